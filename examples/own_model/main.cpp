// A model of one's own learns a table of numbers: "exclusive or".
#include <fmt/format.h>

#include "qkv/qkv.h"

using namespace qkv;

template <class T>
struct Mlp {  // a model is layers and a function
  explicit Mlp(const Path<T>& path) : inner(path / "inner", 2, 8), outer(path / "outer", 8, 1) {}
  Var<T> operator()(Var<T> x) const { return outer(tanh(inner(x))); }
  Linear<T> inner, outer;
};

int main() {
  const Table<float> x({4, 2}, {0, 0, 0, 1, 1, 0, 1, 1}), y({4, 1}, {0, 1, 1, 0});
  Model<Mlp, float> model(1);  // 1 is the seed of its first values
  Learner learner(model.parameters(), {.workers = 2});
  Adam adam(model.parameters());
  const Schedule schedule{.kind = ScheduleKind::cosine, .rate = 0.05, .warmup = 20, .total = 200};
  for (int step = 1; step <= 200; ++step) {
    const double loss = learner.differentiate(
        x.rows(), [&](Shard shard) { return mean_squared_error(model(x.of(shard)), y.of(shard)); });
    learner.clip(1.0);
    adam.step(learner.gradient(), schedule(step));
    if (step % 10 == 0 && step <= 60) fmt::print("step {}  loss {:.2f}  {:#<{}}\n", step, loss, "#", int(100 * loss));
  }
  save("own_model.safetensors", model.parameters());
  load("own_model.safetensors", model.parameters());
  for (float answer : values_of<float>([&] { return model(x.all()); })) fmt::print("{:.2f}\n", answer);
  fmt::print("gradients are {}\n", gradcheck_model<Mlp>({{"x", {4, 2}}}).message());
}
