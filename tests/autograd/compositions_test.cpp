// Fused operations against their plain composition or their definition: values and gradients. What recurrent networks
// and their attention use is in gate_compositions_test.cpp.

#include <gtest/gtest.h>

#include "qkv/autograd/ops.h"
#include "tests/autograd/composition.h"

namespace qkv {
namespace {

const std::vector<int> lengths{3, 5, 0};

template <class T>
class Composition : public testing::Test {};
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

/// The numbers that Way::compute gives to input i, or to the gradient of output k, in double.
template <class T>
std::vector<double> in_double(const Shape& shape, std::uint64_t seed) {
  const std::vector<T> numbers = normal_numbers<T>(shape.size(), seed);
  return {numbers.begin(), numbers.end()};
}

TYPED_TEST(Composition, GeluIsItsDefinition) {
  using Vars = std::vector<Var<TypeParam>>;
  const Way<TypeParam> way{[](const Vars& x) { return Vars{gelu(x[0])}; }, {{3, 37}}};
  const std::vector<double> x = in_double<TypeParam>({3, 37}, 10), dy = in_double<TypeParam>({3, 37}, 20);
  std::vector<double> y, dx;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double distribution = std::erfc(-x[i] / std::sqrt(2)) / 2;
    const double density = std::exp(-x[i] * x[i] / 2) / std::sqrt(2 * std::acos(-1));
    y.push_back(x[i] * distribution);
    dx.push_back(dy[i] * (distribution + x[i] * density));
  }
  expect_computed(way.compute(), {y}, {dx});
}

TYPED_TEST(Composition, SoftmaxIsItsDefinitionOverTheAllowedKeys) {
  using Vars = std::vector<Var<TypeParam>>;
  constexpr int sentences = 3, heads = 2, queries = 40, keys = 37;
  const Shape shape{sentences, heads, queries, keys};
  const std::vector<int> real{37, 20, 0};
  const std::vector<double> x = in_double<TypeParam>(shape, 10), dy = in_double<TypeParam>(shape, 20);
  struct Case {
    Mask mask;
    bool causal, padded;
  };
  for (const Case& c : {Case{Mask::none(), false, false}, Case{Mask::padding(real), false, true},
                        Case{Mask::causal(), true, false}, Case{Mask::causal_padding(real), true, true}}) {
    const Way<TypeParam> way{[&c](const Vars& in) { return Vars{softmax(in[0], c.mask)}; }, {shape}};
    std::vector<double> y(x.size()), dx(x.size());
    for (int row = 0; row < sentences * heads * queries; ++row) {
      const int sentence = row / (heads * queries), query = row % queries;
      const auto at = static_cast<std::size_t>(row) * keys;
      // The last query sees the last key; the three first of the 40 see none.
      const auto sees = [&](std::size_t key) {
        const int j = static_cast<int>(key);
        return (!c.causal || j <= query - (queries - keys)) && (!c.padded || j < real[std::size_t(sentence)]);
      };
      double total = 0;
      for (std::size_t j = 0; j < keys; ++j) total += sees(j) ? std::exp(x[at + j]) : 0;
      for (std::size_t j = 0; j < keys; ++j) y[at + j] = sees(j) ? std::exp(x[at + j]) / total : 0;
      for (std::size_t i = 0; i < keys; ++i)  // dyᵢ/dxⱼ = yᵢ (δᵢⱼ − yⱼ)
        for (std::size_t j = 0; j < keys; ++j) dx[at + j] += dy[at + i] * y[at + i] * ((i == j ? 1 : 0) - y[at + j]);
    }
    expect_computed(way.compute(), {y}, {dx});
  }
}

TYPED_TEST(Composition, LayerNormIsItsDefinition) {
  using Vars = std::vector<Var<TypeParam>>;
  constexpr std::size_t rows = 3, width = 37;
  constexpr double eps = 0.01;
  const Way<TypeParam> way{[](const Vars& x) { return Vars{layer_norm(x[0], x[1], x[2], eps)}; },
                           {{rows, width}, {width}, {width}}};
  const std::vector<double> x = in_double<TypeParam>({rows, width}, 10), weight = in_double<TypeParam>({width}, 11),
                            bias = in_double<TypeParam>({width}, 12), dy = in_double<TypeParam>({rows, width}, 20);
  std::vector<double> y, dx(x.size()), dweight(width), dbias(width);
  for (std::size_t row = 0; row < rows; ++row) {
    const double *in = x.data() + row * width, *dout = dy.data() + row * width;
    double mean = 0, variance = 0;
    for (std::size_t j = 0; j < width; ++j) mean += in[j] / width;
    for (std::size_t j = 0; j < width; ++j) variance += (in[j] - mean) * (in[j] - mean) / width;
    std::vector<double> normal;
    for (std::size_t j = 0; j < width; ++j) normal.push_back((in[j] - mean) / std::sqrt(variance + eps));
    for (std::size_t j = 0; j < width; ++j) {
      y.push_back(weight[j] * normal[j] + bias[j]);
      dweight[j] += dout[j] * normal[j];
      dbias[j] += dout[j];
      for (std::size_t k = 0; k < width; ++k)  // dnormalⱼ/dxₖ = (δⱼₖ − 1/C − normalⱼ normalₖ / C) / √(variance + eps)
        dx[row * width + k] += dout[j] * weight[j] * ((j == k ? 1 : 0) - 1.0 / width - normal[j] * normal[k] / width) /
                               std::sqrt(variance + eps);
    }
  }
  expect_computed(way.compute(), {y}, {dx, dweight, dbias});
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
