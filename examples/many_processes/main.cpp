// The same training in one process and in several: mpirun -n 2 many_processes
#include <fmt/format.h>

#include "qkv/qkv.h"

using namespace qkv;

template <class T>
struct Mlp {
  explicit Mlp(const Path<T>& path) : inner(path / "inner", 2, 8), outer(path / "outer", 8, 1) {}
  Var<T> operator()(Var<T> x) const { return outer(tanh(inner(x))); }
  Linear<T> inner, outer;
};

int main() {
  MpiRanks ranks;
  const Table<float> x({4, 2}, {0, 0, 0, 1, 1, 0, 1, 1}), y({4, 1}, {0, 1, 1, 0});
  Model<Mlp, float> model(1);
  Learner learner(model.parameters(), {.workers = 2, .ranks = &ranks});
  Adam adam(model.parameters(), {.lr = 0.05});
  for (int step = 1; step <= 200; ++step) {
    const double loss = learner.differentiate(
        x.rows(), [&](Shard shard) { return mean_squared_error(model(x.of(shard)), y.of(shard)); });
    adam.step(learner.gradient());
    if (step % 50 == 0 && ranks.is_first()) fmt::print("step {}  loss {:.5f}\n", step, loss);
  }
  learner.check_same_parameters();
  if (ranks.is_first())
    fmt::print("{} with the same parameters\n", ranks.size() == 1 ? "one process" : "all processes");
}
