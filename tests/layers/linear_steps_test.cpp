// A linear layer used step by step, from a transposed copy of its weight, against the layer on all rows at once.

#include <algorithm>
#include <gtest/gtest.h>

#include "qkv/autograd/ops/concat.h"
#include "qkv/autograd/ops/slice.h"
#include "qkv/layers/linear.h"
#include "tests/autograd/numbers.h"

namespace qkv {
namespace {

constexpr int sentences = 5, words = 4, in = 37, out = 21;

template <class T>
struct Result {
  std::vector<T> output, of_x, of_weight, of_bias;
};

template <class T, class Apply>
Result<T> differentiated(Apply apply) {
  Parameters<T> parameters;
  const Linear<T> layer(parameters.root(), in, out);
  parameters.initialise(1);
  std::ranges::copy(normal_numbers<T>(out, 2), parameters.values(1).begin());  // a bias begins at 0
  Tape<T> tape;
  const Recording recording(tape);
  const Var<T> x = normal_variable(tape, {sentences, words, in}, 3);
  const Var<T> y = apply(layer, x);
  tape.backward(y, normal_numbers<T>(y.size(), 4));
  const auto gradients = [&](std::size_t index) {
    const auto of = parameters.gradients(index);
    return std::vector<T>(of.begin(), of.end());
  };
  return {values_of(y), gradient_of(x), gradients(0), gradients(1)};
}

template <class T>
class LinearStepsLayer : public testing::Test {};
using Scalars = testing::Types<float, double>;
TYPED_TEST_SUITE(LinearStepsLayer, Scalars);

TYPED_TEST(LinearStepsLayer, IsTheLayerWordByWord) {
  using T = TypeParam;
  const double tolerance = std::is_same_v<T, float> ? 2e-6 : 5e-15;
  const auto expected = differentiated<T>([](const Linear<T>& layer, Var<T> x) { return layer(x); });
  for (const int announced : {1, words}) {  // from the weight itself, and from its copy
    const auto steps = differentiated<T>([&](const Linear<T>& layer, Var<T> x) {
      const LinearSteps<T> step = layer.steps(announced);
      std::vector<Var<T>> outputs;
      for (int i = 0; i < words; ++i) outputs.push_back(step(slice(x, 1, i, 1)));
      return concat(std::span<const Var<T>>(outputs), 1);
    });
    EXPECT_LE(largest_difference(steps.output, expected.output), tolerance) << announced;
    EXPECT_LE(largest_difference(steps.of_x, expected.of_x), tolerance) << announced;
    EXPECT_LE(largest_difference(steps.of_weight, expected.of_weight), tolerance) << announced;
    EXPECT_LE(largest_difference(steps.of_bias, expected.of_bias), tolerance) << announced;
  }
}

/// A later pass on the same tape copies the weight again, so it sees what an update has written meanwhile.
TEST(LinearSteps, SeesAnUpdateOfTheWeight) {
  Parameters<double> parameters;
  const Linear<double> layer(parameters.root(), 2, 2);
  parameters.values();  // all 0
  Tape<double> tape;
  const Recording recording(tape);
  const Var<double> x = tape.constant({1, 1, 2}, std::vector<double>{1, 10});
  EXPECT_EQ(values_of(layer.steps(3)(x)), (std::vector<double>{0, 0}));
  for (std::size_t i = 0; i < 4; ++i) parameters.values(0)[i] = static_cast<double>(i + 1);
  EXPECT_EQ(values_of(layer.steps(3)(x)), (std::vector<double>{21, 43}));
}

}  // namespace
}  // namespace qkv
