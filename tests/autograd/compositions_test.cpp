// Every fused operation against its plain composition or its definition: values and gradients.

#include <gtest/gtest.h>

#include <functional>

#include "autograd/ops.h"
#include "tests/autograd/numbers.h"

namespace qkv {
namespace {

const std::vector<int> lengths{3, 5, 0};

/// The outputs' values, and the gradients of all inputs for random gradients of the outputs.
template <class T>
struct Computed {
  std::vector<std::vector<T>> values, gradients;
};

/// A function and the shapes of its inputs. Inputs of as many elements get the same numbers.
template <class T>
struct Way {
  std::function<std::vector<Var<T>>(const std::vector<Var<T>>&)> function;
  std::vector<Shape> shapes;

  Computed<T> compute() const {
    Tape<T> tape;
    const Recording<T> recording(tape);
    std::vector<Var<T>> x;
    for (std::size_t i = 0; i < shapes.size(); ++i) x.push_back(normal_variable<T>(tape, shapes[i], 10 + i));
    const std::vector<Var<T>> y = function(x);
    std::vector<std::vector<T>> cotangents;
    std::vector<typename Tape<T>::Seed> seeds;
    for (std::size_t k = 0; k < y.size(); ++k) cotangents.push_back(normal_numbers<T>(y[k].size(), 20 + k));
    for (std::size_t k = 0; k < y.size(); ++k) seeds.push_back({y[k], cotangents[k]});
    tape.backward(seeds);
    Computed<T> result;
    for (const Var<T>& output : y) result.values.push_back(values_of(output));
    for (const Var<T>& input : x) result.gradients.push_back(gradient_of(input));
    return result;
  }
};

/// The same numbers, computed by one operation and by several.
template <class T>
void compare(const Way<T>& fused, const Way<T>& plain) {
  const Computed<T> a = fused.compute(), b = plain.compute();
  const double tolerance = std::is_same_v<T, float> ? 3e-6 : 5e-15;
  ASSERT_EQ(a.values.size(), b.values.size());
  for (std::size_t k = 0; k < b.values.size(); ++k)
    EXPECT_LE(largest_difference(a.values[k], b.values[k]), tolerance) << "output " << k;
  for (std::size_t i = 0; i < b.gradients.size(); ++i)
    EXPECT_LE(largest_difference(a.gradients[i], b.gradients[i]), tolerance) << "gradient of input " << i;
}

template <class T>
class Composition : public testing::Test {};
using Scalars = testing::Types<float, double>;
TYPED_TEST_SUITE(Composition, Scalars);

TYPED_TEST(Composition, LinearIsMatmulWithTheTransposedWeightAndBias) {
  using Vars = std::vector<Var<TypeParam>>;
  const auto plain = [](const Vars& x) { return Vars{add_bias(matmul(x[0], transpose(x[1])), x[2])}; };
  const auto fused = [](const Vars& x) { return Vars{linear(x[0], x[1], x[2])}; };
  compare<TypeParam>({fused, {{6, 5}, {4, 5}, {4}}}, {plain, {{6, 5}, {4, 5}, {4}}});
  compare<TypeParam>({fused, {{2, 3, 5}, {4, 5}, {4}}}, {plain, {{6, 5}, {4, 5}, {4}}});
  compare<TypeParam>({fused, {{1, 70, 90}, {130, 90}, {130}}}, {plain, {{70, 90}, {130, 90}, {130}}});
}

TYPED_TEST(Composition, LinearReluIsLinearThenRelu) {
  using Vars = std::vector<Var<TypeParam>>;
  const std::vector<Shape> shapes{{2, 3, 5}, {4, 5}, {4}};
  compare<TypeParam>({[](const Vars& x) { return Vars{linear_relu(x[0], x[1], x[2])}; }, shapes},
                     {[](const Vars& x) { return Vars{relu(linear(x[0], x[1], x[2]))}; }, shapes});
}

TYPED_TEST(Composition, AddLayerNormIsAddThenLayerNorm) {
  using Vars = std::vector<Var<TypeParam>>;
  const std::vector<Shape> shapes{{2, 3, 37}, {2, 3, 37}, {37}, {37}};
  compare<TypeParam>({[](const Vars& x) { return Vars{add_layer_norm(x[0], x[1], x[2], x[3])}; }, shapes},
                     {[](const Vars& x) { return Vars{layer_norm(x[0] + x[1], x[2], x[3])}; }, shapes});
}

TYPED_TEST(Composition, AddPositionsIsAddOfAnEmbeddingOfThePositions) {
  using Vars = std::vector<Var<TypeParam>>;
  const std::vector<Shape> shapes{{2, 3, 4}, {6, 4}};
  const std::vector<int> positions{2, 3, 4, 2, 3, 4};
  const auto plain = [&positions](const Vars& x) { return Vars{x[0] + embedding(x[1], positions, {2, 3})}; };
  compare<TypeParam>({[](const Vars& x) { return Vars{add_positions(x[0], x[1], 2)}; }, shapes}, {plain, shapes});
}

TYPED_TEST(Composition, AttentionIsSplitProductScaleSoftmaxProductMerge) {
  using Vars = std::vector<Var<TypeParam>>;
  struct Case {
    Mask mask;
    int queries, keys, heads;
    std::optional<double> scale;
  };
  for (const Case& c :
       {Case{Mask::none(), 4, 5, 1, {}}, Case{Mask::none(), 4, 5, 3, {}}, Case{Mask::none(), 4, 5, 2, 0.3},
        Case{Mask::padding(lengths), 4, 5, 2, {}}, Case{Mask::causal(), 5, 5, 2, {}}, Case{Mask::causal(), 2, 5, 2, {}},
        Case{Mask::causal_padding(lengths), 5, 5, 6, {}}, Case{Mask::none(), 70, 90, 2, {}}}) {
    const auto fused = [&c](const Vars& x) {
      const auto [output, weights] = attention(x[0], x[1], x[2], c.mask, c.heads, c.scale);
      return Vars{output, weights};
    };
    const auto plain = [&c](const Vars& x) {
      const auto q = split_heads(x[0], c.heads), k = split_heads(x[1], c.heads), v = split_heads(x[2], c.heads);
      const auto scores = scale(matmul(q, transpose(k)), c.scale.value_or(1 / std::sqrt(12.0 / c.heads)));
      const auto weights = softmax(scores, c.mask);
      return Vars{merge_heads(matmul(weights, v)), weights};
    };
    const std::vector<Shape> shapes{{3, c.queries, 12}, {3, c.keys, 12}, {3, c.keys, 18}};
    compare<TypeParam>({fused, shapes}, {plain, shapes});
  }
}

TYPED_TEST(Composition, MeanIsSumDividedByTheSize) {
  using Vars = std::vector<Var<TypeParam>>;
  const std::vector<Shape> shapes{{3, 7}};
  compare<TypeParam>({[](const Vars& x) { return Vars{mean(x[0])}; }, shapes},
                     {[](const Vars& x) { return Vars{scale(sum(x[0]), 1.0 / 21)}; }, shapes});
}

TYPED_TEST(Composition, SplitAndMergeSliceAndConcatUndoEachOther) {
  using Vars = std::vector<Var<TypeParam>>;
  const auto same = [](const Vars& x) { return Vars{scale(x[0], 1)}; };
  const std::vector<Shape> shapes{{2, 4, 6}};
  for (const auto& there_and_back : std::vector<std::function<Vars(const Vars&)>>{
           [](const Vars& x) { return Vars{merge_heads(split_heads(x[0], 3))}; },
           [](const Vars& x) { return Vars{transpose(transpose(x[0]))}; },
           [](const Vars& x) {
             return Vars{concat({slice(x[0], 0, 0, 1), slice(x[0], 0, 1, 1)}, 0)};
           },
           [](const Vars& x) {
             return Vars{concat({slice(x[0], 1, 0, 3), slice(x[0], 1, 3, 1)}, 1)};
           },
           [](const Vars& x) {
             return Vars{concat({slice(x[0], 2, 0, 5), slice(x[0], -1, 5, 1)}, -1)};
           }})
    compare<TypeParam>({there_and_back, shapes}, {same, shapes});
}

/// −Σⱼ qⱼ log softmax(z)ⱼ of every row that counts, and its gradient (softmax(z) − q) / divisor, by definition.
struct Definition {
  double loss = 0;
  std::vector<double> gradient;
};
Definition cross_entropy_by_definition(const std::vector<double>& z, const std::vector<int>& targets, int words,
                                       CrossEntropyOptions options) {
  Definition result;
  const auto ignored = static_cast<double>(std::count(targets.begin(), targets.end(), options.ignore));
  const double divisor = options.divide_by > 0 ? options.divide_by : static_cast<double>(targets.size()) - ignored;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const double* row = z.data() + i * static_cast<std::size_t>(words);
    double total = 0;
    for (int j = 0; j < words; ++j) total += std::exp(row[j]);
    for (int j = 0; j < words; ++j) {
      const double p = std::exp(row[j]) / total;
      const double q = (j == targets[i] ? 1 - options.smoothing : 0) + options.smoothing / words;
      const bool counts = targets[i] != options.ignore;
      if (counts) result.loss -= q * std::log(p) / divisor;
      result.gradient.push_back(counts ? (p - q) / divisor : 0);
    }
  }
  return result;
}

TYPED_TEST(Composition, CrossEntropyIsItsDefinition) {
  const std::vector<int> targets{3, 0, 6, 1, 0, 2};
  for (const CrossEntropyOptions& options :
       {CrossEntropyOptions{}, CrossEntropyOptions{.ignore = 0}, CrossEntropyOptions{.smoothing = 0.1},
        CrossEntropyOptions{.ignore = 0, .smoothing = 0.3, .divide_by = 17}}) {
    Tape<TypeParam> tape;
    const Recording<TypeParam> recording(tape);
    const auto logits = normal_variable<TypeParam>(tape, {2, 3, 7}, 1);
    const auto loss = cross_entropy(logits, targets, options);
    tape.backward(loss);
    const std::vector<TypeParam> z = values_of(logits);
    const Definition expected = cross_entropy_by_definition({z.begin(), z.end()}, targets, 7, options);
    const double tolerance = std::is_same_v<TypeParam, float> ? 1e-6 : 1e-14;
    EXPECT_NEAR(static_cast<double>(loss.item()), expected.loss, tolerance);
    EXPECT_LE(largest_difference(gradient_of(logits), expected.gradient), tolerance);
  }
}

TEST(CrossEntropy, OfNothingThatCountsIsZero) {
  Tape<double> tape;
  const Recording recording(tape);
  const Var<double> logits = normal_variable<double>(tape, {2, 3}, 1);
  const std::vector<int> targets{1, 1};
  const Var<double> loss = cross_entropy(logits, targets, {.ignore = 1});
  tape.backward(loss);
  EXPECT_EQ(loss.item(), 0);
  EXPECT_EQ(gradient_of(logits), std::vector<double>(6));
}

TEST(CrossEntropy, DoesNotOverflow) {
  Tape<float> tape;
  const Recording recording(tape);
  const std::vector<float> z{1000, -1000, 0, 1000};
  const std::vector<int> targets{1, 1};
  const Var<float> logits = tape.variable({2, 2}, z), loss = cross_entropy(logits, targets);
  tape.backward(loss);
  EXPECT_EQ(loss.item(), 1000);
  EXPECT_EQ(gradient_of(logits), (std::vector<float>{0.5, -0.5, 0, 0}));
}

TEST(LayerNorm, IsItsDefinition) {
  Tape<double> tape;
  const Recording recording(tape);
  const Var<double> x = normal_variable<double>(tape, {1, 35}, 1), weight = normal_variable<double>(tape, {35}, 2),
                    bias = normal_variable<double>(tape, {35}, 3);
  double mean = 0, variance = 0;
  for (double a : x.values()) mean += a / 35;
  for (double a : x.values()) variance += (a - mean) * (a - mean) / 35;
  std::vector<double> expected;
  for (std::size_t j = 0; j < 35; ++j)
    expected.push_back(weight.values()[j] * (x.values()[j] - mean) / std::sqrt(variance + 0.01) + bias.values()[j]);
  EXPECT_LE(largest_difference(values_of(layer_norm(x, weight, bias, 0.01)), expected), 1e-15);
}

TEST(Operations, OfNothingComputeNothingAndZeroGradients) {
  Tape<double> tape;
  const Recording recording(tape);
  const auto nothing = [&tape](const Shape& shape) { return tape.variable(shape, std::vector<double>()); };
  const Var<double> w = normal_variable<double>(tape, {4, 3}, 1), b = normal_variable<double>(tape, {4}, 2);
  const Var<double> c = normal_variable<double>(tape, {3, 4}, 3), g = normal_variable<double>(tape, {4}, 4);
  Var<double> y = linear(nothing({0, 2, 3}), w, b);
  y = add_layer_norm(y, linear_relu(nothing({0, 2, 3}), w, b), g, b);
  y = attention(y, y, y, Mask::causal(), 2).output;
  const Var<double> loss =
      sum(y) + sum(matmul(nothing({0, 3}), c)) + sum(softmax(nothing({0, 5}))) + cross_entropy(nothing({0, 5}), {});
  tape.backward(loss);
  EXPECT_EQ(loss.item(), 0);
  for (const Var<double>& x : {w, b, c, g})
    EXPECT_EQ(gradient_of(x), std::vector<double>(static_cast<std::size_t>(x.size())));
}

}  // namespace
}  // namespace qkv
