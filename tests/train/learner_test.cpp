#include "qkv/train/learner.h"

#include <gtest/gtest.h>

#include "qkv/autograd/ops.h"
#include "qkv/autograd/values_of.h"
#include "qkv/layers/gradcheck_model.h"
#include "qkv/layers/linear.h"
#include "qkv/layers/model.h"
#include "qkv/train/adam.h"
#include "qkv/train/saved_parameters.h"
#include "qkv/train/sgd.h"
#include "qkv/train/table.h"
#include "tests/files/temporary_folder.h"

namespace qkv {
namespace {

template <class T>
struct Mlp {
  explicit Mlp(const Path<T>& path, double dropped = 0)
      : inner(path / "inner", 2, 8), outer(path / "outer", 8, 1), p(dropped) {}
  Var<T> operator()(Var<T> x) const { return outer(dropout(tanh(inner(x)), p)); }
  Linear<T> inner, outer;
  double p;
};

template <class T>
Table<T> inputs() {
  return Table<T>({4, 2}, {0, 0, 0, 1, 1, 0, 1, 1});
}
template <class T>
Table<T> answers() {
  return Table<T>({4, 1}, {0, 1, 1, 0});
}

/// A model of one's own in training.
template <class T, template <class> class Optimiser = Adam>
struct Training {
  Table<T> x = inputs<T>(), y = answers<T>();
  Model<Mlp, T> model;
  Learner<T> learner;
  Optimiser<T> optimiser;

  explicit Training(const LearnerOptions& options, double dropped = 0)
      : model(1, dropped), learner(model.parameters(), options), optimiser(model.parameters(), {.lr = 0.05}) {}

  double step() {
    const double loss = learner.differentiate(
        x.rows(), [&](const Shard& shard) { return mean_squared_error(model(x.of(shard)), y.of(shard)); });
    learner.clip(1);
    optimiser.step(learner.gradient());
    return loss;
  }
};

template <class T>
std::vector<T> copy_of(std::span<const T> numbers) {
  return {numbers.begin(), numbers.end()};
}

TEST(LearnerOfAnyModel, LearnsATable) {
  Training<float> training({.workers = 2});
  for (int i = 0; i < 300; ++i) training.step();
  const std::vector<float> learnt = values_of<float>([&] { return training.model(training.x.all()); });
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(learnt[i], training.y.numbers()[i], 0.05);
}

TEST(LearnerOfAnyModel, GivesTheMeanOverAllRowsWhateverTheNumberOfWorkers) {
  Training<double> one({.workers = 1});
  const double expected = one.step();
  for (const int workers : {2, 3, 5}) {
    Training<double> several({.workers = workers});
    EXPECT_NEAR(several.step(), expected, 1e-15) << workers;
    EXPECT_NEAR(several.learner.norm(), one.learner.norm(), 1e-15);
    for (std::size_t i = 0; i < one.model.parameters().values().size(); ++i)
      EXPECT_NEAR(several.model.parameters().values()[i], one.model.parameters().values()[i], 1e-13);
  }
}

template <template <class> class Optimiser>
void expect_to_go_on() {
  const TemporaryFolder folder;
  const LearnerOptions options{.workers = 2, .seed = 7};
  Training<float, Optimiser> whole(options, 0.3), first(options, 0.3), second(options, 0.3);
  for (int i = 0; i < 12; ++i) whole.step();
  for (int i = 0; i < 5; ++i) first.step();
  save(folder / "training.safetensors", first.model.parameters(), first.optimiser, {{"note", "of mine"}});
  const Metadata metadata = load(folder / "training.safetensors", second.model.parameters(), second.optimiser);
  EXPECT_EQ(metadata.at("note"), "of mine");
  second.learner.set_batches(second.optimiser.steps());
  for (int i = 0; i < 7; ++i) second.step();
  EXPECT_EQ(second.optimiser.steps(), 12);
  EXPECT_EQ(copy_of(std::as_const(second.model).parameters().values()),
            copy_of(std::as_const(whole.model).parameters().values()));
}

TEST(LearnerOfAnyModel, GoesOnBitForBitFromAFile) {
  expect_to_go_on<Adam>();
  expect_to_go_on<AdamW>();
  expect_to_go_on<Sgd>();
}

TEST(SavedParameters, AreReadBackAndNameWhatDoesNotFit) {
  const TemporaryFolder folder;
  const std::string path = folder / "mlp.safetensors";
  Model<Mlp, double> model(1), other(2);
  save(path, model.parameters());
  load(path, other.parameters());
  EXPECT_EQ(copy_of(std::as_const(other).parameters().values()), copy_of(std::as_const(model).parameters().values()));

  Parameters<double> wider, more;
  wider.root().add("inner.weight", {8, 3}, Initialise::xavier);
  EXPECT_EQ(message_of<std::runtime_error>([&] { load(path, wider); }),
            path + ": inner.weight has shape [8, 2], but the model's is [8, 3]");
  more.root().add("inner.weight", {8, 2}, Initialise::xavier);
  EXPECT_NE(message_of<std::runtime_error>([&] { load(path, more); }).find("belongs to none of the model's parameters"),
            std::string::npos);
  for (const double p : std::as_const(more).values()) EXPECT_EQ(p, 0) << "nothing is read unless all fits";
  model.parameters().values(0)[3] = NAN;
  EXPECT_NE(message_of<std::runtime_error>([&] {
              save(path, model.parameters());
            }).find("mlp.safetensors is not written, because inner.weight holds nan"),
            std::string::npos);
  load(path, other.parameters());  // the old file is there
}

TEST(ParametersOfAnyModel, WithoutValuesAreAnError) {
  Parameters<float> parameters;
  const Linear<float> layer(parameters.root(), 2, 1);
  Tape<float> tape;
  const Recording recording(tape);
  const Var<float> x = tape.constant({1, 2}, {1.0F, 2.0F});
  EXPECT_NE(message_of<std::invalid_argument>([&] { layer(x); }).find("they have no values yet; call initialise(seed)"),
            std::string::npos);
}

TEST(LearnerOfAnyModel, SaysWhatIsWrong) {
  Training<float> training({.workers = 2});
  const auto rows_of_another = [&] {
    training.learner.differentiate(
        5, [&](const Shard& shard) { return mean_squared_error(training.x.of(shard), training.x.of(shard)); });
  };
  EXPECT_EQ(message_of<std::invalid_argument>(rows_of_another),
            "table: a batch of 5 rows was announced, but this table has 4");
  const auto no_scalar = [&] {
    training.learner.differentiate(4, [&](const Shard& shard) { return training.model(training.x.of(shard)); });
  };
  EXPECT_EQ(message_of<std::invalid_argument>(no_scalar),
            "learner: the loss has shape [2, 1], but it must be a scalar; take its mean");
  EXPECT_EQ(message_of<std::invalid_argument>([&] { training.learner.clip(0); }),
            "clip: the largest norm is 0, but it must be above 0");
  EXPECT_EQ(message_of<std::invalid_argument>([] {
              Table<float>({2, 2}, {1, 2, 3});
            }),
            "table: shape [2, 2] does not fit 3 numbers");
}

/// An Mlp whose tanh has a wrong backward.
template <class T>
struct WrongMlp : Mlp<T> {
  using Mlp<T>::Mlp;
  Var<T> operator()(Var<T> x) const {
    const Var<T> a = this->inner(x);
    Var<T> h = Tape<T>::make("my_tanh", a.shape(), {a});
    std::copy_n(a.data(), a.size(), open_value(h).data);
    tanh_in_place(open_value(h).data, static_cast<int>(a.size()));
    on_backward(h, [=] {
      const T *dh = h.grad().data, *y = h.data();
      if (auto da = a.sink()) write_each(da.open(), [=](auto i) { return dh[i] * (T(1) - y[i]); });  // not 1 − y²
    });
    return this->outer(h);
  }
};

TEST(GradcheckModel, ChecksAllParametersAndInputsAndNamesTheWrongOperation) {
  const GradcheckResult right = gradcheck_model<Mlp>({{"x", {4, 2}}});
  EXPECT_TRUE(right.passed) << right.message();
  EXPECT_EQ(right.inputs, 8 + 16 + 8 + 8 + 1);
  const GradcheckResult wrong = gradcheck_model<WrongMlp>({{"x", {4, 2}}});
  EXPECT_FALSE(wrong.passed);
  ASSERT_EQ(wrong.notes.size(), 1U);
  EXPECT_TRUE(wrong.notes[0].starts_with("the wrong operation: my_tanh: gradient of input 0, the output of linear "))
      << wrong.notes[0];
  EXPECT_EQ(message_of<std::invalid_argument>([] {
              gradcheck_model<Mlp>({{"x", {4, 2}}, {"y", {4, 2}}});
            }),
            "gradcheck_model: the model's function does not take 2 values");
}

TEST(Random, ChoosesInProportionToTheWeights) {
  Random random(1);
  const std::vector<double> weights{1, 0, 3};
  int counts[3] = {};
  for (int i = 0; i < 40'000; ++i) ++counts[random.choose(weights)];
  EXPECT_EQ(counts[1], 0);
  EXPECT_NEAR(counts[2], 30'000, 500);
  const std::vector<double> none{0, 0}, negative{1, -1};
  EXPECT_THROW(random.choose(none), std::invalid_argument);
  EXPECT_THROW(random.choose(negative), std::invalid_argument);
}

}  // namespace
}  // namespace qkv
