// Self-attention step by step against the fused operation: values, and the gradients of the input and all parameters.

#include "qkv/layers/self_attention.h"

#include <gtest/gtest.h>

#include "qkv/autograd/ops/attention.h"
#include "tests/autograd/numbers.h"

namespace qkv {
namespace {

constexpr int sentences = 3, words = 7, width = 37;

/// A layer with random parameters, the biases among them, and what one use of it computes.
template <class T>
struct Layer {
  explicit Layer(bool scaled) : layer(parameters.root() / "layer", width, scaled) {
    for (std::size_t i = 0; i < parameters.entries().size(); ++i) {
      const auto values = parameters.values(i);
      const auto numbers = normal_numbers<T>(static_cast<std::int64_t>(values.size()), 30 + i);
      for (std::size_t j = 0; j < values.size(); ++j) values[j] = T(0.3) * numbers[j];
    }
  }

  Parameters<T> parameters;
  SelfAttention<T> layer;
};

/// The parameter of this name as a variable.
template <class T>
Var<T> variable(Tape<T>& tape, Parameters<T>& parameters, const std::string& name) {
  for (std::size_t i = 0; i < parameters.entries().size(); ++i)
    if (parameters.entries()[i].name == name) return tape.variable(parameters.entries()[i].shape, parameters.values(i));
  throw std::invalid_argument("no parameter " + name);
}

/// Output, weights, and the gradients of x and of every parameter in the order of their names below.
template <class T>
using Numbers = std::vector<std::vector<T>>;
const std::vector<std::string> names{"query.weight", "query.bias",   "key.weight",
                                     "key.bias",     "value.weight", "value.bias"};

template <class T>
Numbers<T> differentiated(Tape<T>& tape, Var<T> x, const std::vector<Var<T>>& leaves, Var<T> output, Var<T> weights) {
  const auto for_output = normal_numbers<T>(output.size(), 1), for_weights = normal_numbers<T>(weights.size(), 2);
  const std::vector<typename Tape<T>::Seed> seeds{{output, for_output}, {weights, for_weights}};
  tape.backward(seeds);
  Numbers<T> result{values_of(output), values_of(weights), gradient_of(x)};
  for (const Var<T>& leaf : leaves) result.push_back(gradient_of(leaf));
  return result;
}

template <class T>
Numbers<T> step_by_step(Layer<T>& layer, Mask mask) {
  Tape<T> tape;
  const Recording<T> recording(tape);
  std::vector<Var<T>> leaves;
  for (const std::string& name : names) leaves.push_back(variable(tape, layer.parameters, "layer." + name));
  layer.parameters.bind(std::span<const Var<T>>(leaves));
  const Var<T> x = normal_variable(tape, {sentences, words, width}, 3);
  const auto steps = layer.layer.steps(x, mask);
  return differentiated(tape, x, leaves, steps.output, steps.weights);
}

template <class T>
Numbers<T> fused(Layer<T>& layer, Mask mask, double scale) {
  Tape<T> tape;
  const Recording<T> recording(tape);
  std::vector<Var<T>> leaves;
  for (const std::string& name : names) leaves.push_back(variable(tape, layer.parameters, "layer." + name));
  const Var<T> x = normal_variable(tape, {sentences, words, width}, 3);
  const auto q = linear(x, leaves[0], leaves[1]), k = linear(x, leaves[2], leaves[3]),
             v = linear(x, leaves[4], leaves[5]);
  const auto [output, weights] = attention(q, k, v, mask, 1, scale);
  return differentiated(tape, x, leaves, output, weights);
}

template <class T>
class SelfAttentionLayer : public testing::Test {};
using Scalars = testing::Types<float, double>;
TYPED_TEST_SUITE(SelfAttentionLayer, Scalars);

TYPED_TEST(SelfAttentionLayer, IsTheFusedAttentionOfItsProjections) {
  const std::vector<int> lengths{4, 7, 0};
  const std::vector<std::pair<const char*, Mask>> masks{{"none", Mask::none()},
                                                        {"padding", Mask::padding(lengths)},
                                                        {"causal", Mask::causal()},
                                                        {"causal padding", Mask::causal_padding(lengths)}};
  const double tolerance = std::is_same_v<TypeParam, float> ? 5e-6 : 1e-14;
  for (const bool scaled : {true, false}) {
    Layer<TypeParam> layer(scaled);
    ASSERT_EQ(layer.parameters.entries().size(), names.size());
    for (const auto& [mask_name, mask] : masks) {
      const auto steps = step_by_step(layer, mask);
      const auto expected = fused(layer, mask, scaled ? 1 / std::sqrt(width) : 1);
      ASSERT_EQ(steps.size(), expected.size());
      for (std::size_t i = 0; i < steps.size(); ++i)
        EXPECT_LE(largest_difference(steps[i], expected[i]), tolerance)
            << mask_name << (scaled ? ", scaled: " : ", unscaled: ")
            << (i < 2    ? "value"
                : i == 2 ? "gradient of x"
                         : names[i - 3]);
    }
  }
}

}  // namespace
}  // namespace qkv
