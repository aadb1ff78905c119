#include "qkv/layers/parameters.h"

#include <ctime>
#include <gtest/gtest.h>
#include <limits>

#include "qkv/layers/transformer_encoder.h"
#include "tests/autograd/numbers.h"

namespace qkv {
namespace {

constexpr StackConfig small_stack{.d_model = 6, .heads = 2, .layers = 2, .ff = 7};

template <class T>
void expect_one_aligned_block() {
  Parameters<T> parameters;
  const TransformerEncoder<T> encoder(parameters.root(), small_stack);
  const std::span<T> block = parameters.values();
  std::size_t end = 0;
  std::int64_t count = 0;
  for (std::size_t i = 0; i < parameters.entries().size(); ++i) {
    const std::span<T> values = parameters.values(i);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(values.data()) % 64, 0u) << parameters.entries()[i].name;
    const auto offset = static_cast<std::size_t>(values.data() - block.data());
    EXPECT_GE(offset, end);
    EXPECT_LT((offset - end) * sizeof(T), 64u);  // nothing between two tensors but what alignment needs
    end = offset + values.size();
    count += static_cast<std::int64_t>(values.size());
    EXPECT_EQ(parameters.gradients(i).data() - parameters.gradients().data(), values.data() - block.data());
  }
  EXPECT_LE(end, block.size());
  EXPECT_EQ(parameters.count(), count);
  EXPECT_EQ(parameters.size(), block.size());
  for (const T x : block) EXPECT_EQ(x, T(0));  // padding too
}

TEST(Parameters, LieInOneBlockEachOn64Bytes) {
  expect_one_aligned_block<float>();
  expect_one_aligned_block<double>();
}

TEST(Parameters, AreTheSameForTheSameSeed) {
  const auto values = [](std::uint64_t seed) {
    Parameters<float> parameters;
    const TransformerEncoder<float> encoder(parameters.root(), small_stack);
    parameters.initialise(seed);
    return std::vector<float>(parameters.values().begin(), parameters.values().end());
  };
  EXPECT_EQ(values(1), values(1));
  EXPECT_NE(values(1), values(2));
  Parameters<float> in_float;
  Parameters<double> in_double;
  const TransformerEncoder<float> float_encoder(in_float.root(), small_stack);
  const TransformerEncoder<double> double_encoder(in_double.root(), small_stack);
  in_float.initialise(5);
  in_double.initialise(5);
  for (std::size_t i = 0; i < in_float.entries().size(); ++i)
    for (std::size_t j = 0; j < in_float.values(i).size(); ++j)
      ASSERT_EQ(in_float.values(i)[j], static_cast<float>(in_double.values(i)[j]));
}

TEST(Parameters, BeginAsTheirKindSays) {
  Parameters<double> parameters;
  const Path<double> root = parameters.root();
  root.add("zeros", {1000}, Initialise::zeros);
  root.add("ones", {1000}, Initialise::ones);
  root.add("xavier", {60, 90}, Initialise::xavier);
  root.add("scaled_normal", {400, 25}, Initialise::scaled_normal);
  root.add("again", {60, 90}, Initialise::xavier);
  parameters.initialise(1);
  for (const double x : parameters.values(0)) EXPECT_EQ(x, 0);
  for (const double x : parameters.values(1)) EXPECT_EQ(x, 1);
  const auto moments = [&](std::size_t i) {
    double mean = 0, square = 0, largest = 0;
    const auto values = parameters.values(i);
    for (const double x : values) {
      mean += x / static_cast<double>(values.size());
      square += x * x / static_cast<double>(values.size());
      largest = std::max(largest, std::abs(x));
    }
    return std::array{mean, std::sqrt(square - mean * mean), largest};
  };
  const double bound = std::sqrt(6.0 / 150);
  EXPECT_NEAR(moments(2)[0], 0, 0.01);
  EXPECT_NEAR(moments(2)[1], bound / std::sqrt(3.0), 0.003);
  EXPECT_LE(moments(2)[2], bound);
  EXPECT_GT(moments(2)[2], 0.99 * bound);
  EXPECT_NEAR(moments(3)[0], 0, 0.01);
  EXPECT_NEAR(moments(3)[1], 0.2, 0.005);  // 1/√25
  EXPECT_GT(moments(3)[2], 0.6);           // 10,000 normal draws reach beyond three deviations
  EXPECT_NE(parameters.values(2)[0], parameters.values(4)[0]);
}

TEST(Parameters, RefuseWhatDoesNotFit) {
  Parameters<float> parameters;
  const Path<float> root = parameters.root();
  const Parameter<float> a = (root / "layer" / 0).add("weight", {3, 2}, Initialise::xavier);
  EXPECT_EQ(parameters.entries()[0].name, "layer.0.weight");
  EXPECT_EQ(complaint([&] { (root / "layer.0").add("weight", {2}, Initialise::zeros); }),
            "parameters: layer.0.weight exists already");
  parameters.values();
  EXPECT_EQ(complaint([&] { root.add("late", {2}, Initialise::zeros); }),
            "parameters: late is added after the values were laid out");

  Tape<float> tape;
  const Recording recording(tape);
  std::vector<float> small(parameters.size() - 1);
  EXPECT_EQ(complaint([&] { parameters.bind(std::span<float>(small)); }),
            "parameters: a gradient block of 15 numbers does not fit 16");
  const std::vector<Var<float>> none, wrong{normal_variable(tape, {2, 3}, 1)};
  EXPECT_EQ(complaint([&] { parameters.bind(std::span<const Var<float>>(none)); }),
            "parameters: 0 values cannot stand for 1 parameters");
  EXPECT_EQ(complaint([&] { parameters.bind(std::span<const Var<float>>(wrong)); }),
            "parameters: a value of shape [2, 3] cannot stand for layer.0.weight of shape [3, 2]");
  EXPECT_EQ(a().shape(), Shape({3, 2}));
}

TEST(Parameters, AreAddedInTimeInProportionToTheirNumber) {
  const auto seconds = [](int count) {
    std::clock_t least = std::numeric_limits<std::clock_t>::max();
    for (int round = 0; round < 3; ++round) {  // the least of three is what the work takes, without what disturbs it
      const std::clock_t start = std::clock();
      Parameters<float> parameters;
      for (int i = 0; i < count; ++i) (parameters.root() / "layer" / i).add("weight", {1}, Initialise::zeros);
      least = std::min(least, std::clock() - start);
    }
    return static_cast<double>(least) / CLOCKS_PER_SEC;
  };
  EXPECT_LT(seconds(16'000) / seconds(2'000), 24);  // 8 for linear time; comparing each with all others: 64
}

TEST(Parameters, AreLookedAtBeforeTheyAreAdded) {
  std::vector<std::string> seen;
  Parameters<float> parameters([&](const std::string& name, const Shape& shape) {
    check(shape.size() < 100, "{} is too large: {}", name, shape);
    seen.push_back(name);
  });
  parameters.root().add("a", {3, 2}, Initialise::zeros);
  EXPECT_EQ(complaint([&] { parameters.root().add("b", {30, 20}, Initialise::zeros); }), "b is too large: [30, 20]");
  EXPECT_EQ(seen, std::vector<std::string>{"a"});
  EXPECT_EQ(parameters.entries().size(), 1U);
}

TEST(Parameters, AreOneLeafOnATapeWithTheGradientOfWhoeverRecords) {
  Parameters<double> parameters;
  const Parameter<double> a = parameters.root().add("a", {2}, Initialise::ones);
  parameters.initialise(1);
  std::vector<double> mine(parameters.size()), yours(parameters.size());
  for (std::vector<double>* block : {&mine, &yours}) {
    Tape<double> tape;
    const Recording recording(tape);
    parameters.bind(std::span<double>(*block));
    EXPECT_EQ(a().node(), a().node());
    EXPECT_EQ(a().data(), parameters.values(0).data());
    const std::vector<double> seed{block == &mine ? 3.0 : 5.0, 0};
    tape.backward(a() + a(), seed);
  }
  EXPECT_EQ(mine[0], 6);
  EXPECT_EQ(yours[0], 10);
  EXPECT_EQ(parameters.gradients()[0], 0);
}

TEST(Parameters, LearnOnATapeThatBeganWithoutGradients) {
  Parameters<double> parameters;
  const Parameter<double> a = parameters.root().add("a", {2}, Initialise::ones);
  parameters.initialise(1);
  Tape<double> tape;
  const Recording recording(tape);
  {
    const NoGrad no_grad(tape);
    EXPECT_FALSE(a().node()->needs_gradient);
  }
  const std::vector<double> seed{3, 4};
  tape.backward(a() + a(), seed);
  EXPECT_EQ(std::vector<double>(parameters.gradients(0).begin(), parameters.gradients(0).end()),
            (std::vector<double>{6, 8}));
}

}  // namespace
}  // namespace qkv
