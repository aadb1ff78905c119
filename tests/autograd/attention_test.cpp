#include "qkv/autograd/ops/attention.h"

#include <gtest/gtest.h>

#include "qkv/autograd/ops.h"
#include "tests/autograd/numbers.h"

namespace qkv {
namespace {

constexpr int sentences = 2, queries = 4, keys = 5, width = 6;

template <class T>
struct Run {
  std::vector<T> output, weights, dq, dk, dv;
};

/// Attention and the gradients of a random weighting of its outputs.
template <class T>
Run<T> run(const std::vector<T>& q, const std::vector<T>& k, const std::vector<T>& v, Mask mask,
           int query_count = queries) {
  Tape<T> tape;
  const Recording<T> recording(tape);
  const Var<T> queries_var = tape.variable({sentences, query_count, width}, q),
               keys_var = tape.variable({sentences, keys, width}, k),
               values_var = tape.variable({sentences, keys, width}, v);
  const auto [output, weights] = attention(queries_var, keys_var, values_var, mask, 2);
  const auto d1 = normal_numbers<T>(output.size(), 8), d2 = normal_numbers<T>(weights.size(), 9);
  const typename Tape<T>::Seed seeds[] = {{output, d1}, {weights, d2}};
  tape.backward(seeds);
  return {values_of(output), values_of(weights), gradient_of(queries_var), gradient_of(keys_var),
          gradient_of(values_var)};
}

template <class T>
std::vector<T> inputs(int words, std::uint64_t seed) {
  return normal_numbers<T>(std::int64_t{sentences} * words * width, seed);
}

/// The same numbers with the words from lengths[b] on replaced.
template <class T>
std::vector<T> with_padding(std::vector<T> x, const std::vector<int>& lengths, T padding) {
  for (int b = 0; b < sentences; ++b)
    for (int i = lengths[static_cast<std::size_t>(b)] * width; i < keys * width; ++i)
      x[static_cast<std::size_t>(b * keys * width + i)] = padding;
  return x;
}

template <class T>
class Attention : public testing::Test {};
using Scalars = testing::Types<float, double>;
TYPED_TEST_SUITE(Attention, Scalars);

TYPED_TEST(Attention, NeverReadsPadding) {
  using T = TypeParam;
  const std::vector<int> lengths{3, 4};
  const auto q = inputs<T>(queries, 1), k = inputs<T>(keys, 2), v = inputs<T>(keys, 3);
  const T nan = std::numeric_limits<T>::quiet_NaN();
  const auto a = run(q, k, v, Mask::padding(lengths));
  const auto b = run(q, with_padding(k, lengths, nan), with_padding(v, lengths, nan), Mask::padding(lengths));
  EXPECT_EQ(a.output, b.output);  // bit by bit; NaN would differ from itself
  EXPECT_EQ(a.weights, b.weights);
  EXPECT_EQ(a.dq, b.dq);
  EXPECT_EQ(a.dk, b.dk);
  EXPECT_EQ(a.dv, b.dv);
  for (const auto* gradient : {&a.dk, &a.dv}) EXPECT_EQ(with_padding(*gradient, lengths, T(0)), *gradient);
  for (std::size_t row = 0; row < a.weights.size() / keys; ++row) {
    double total = 0;
    for (std::size_t j = 0; j < keys; ++j) total += static_cast<double>(a.weights[row * keys + j]);
    EXPECT_NEAR(total, 1, 1e-6);
  }
}

TYPED_TEST(Attention, CausalQueriesDoNotFeelLaterWordsToTheBit) {
  using T = TypeParam;
  const auto q = inputs<T>(keys, 1), k = inputs<T>(keys, 2), v = inputs<T>(keys, 3);
  const auto a = run(q, k, v, Mask::causal(), keys);
  for (int position = 1; position < keys; ++position) {
    const std::vector<int> lengths{position, position};
    const auto b = run(q, with_padding(k, lengths, T(100)), with_padding(v, lengths, T(-1e6)), Mask::causal(), keys);
    for (int s = 0; s < sentences; ++s)
      for (int i = 0; i < position * width; ++i) {
        const auto at = static_cast<std::size_t>(s * keys * width + i);
        ASSERT_EQ(a.output[at], b.output[at]) << "position " << position;
      }
  }
}

TYPED_TEST(Attention, AQueryThatMayLookAtNothingGivesZerosAndZeroGradients) {
  using T = TypeParam;
  const std::vector<int> lengths{0, 5};
  const auto q = inputs<T>(queries, 1), k = inputs<T>(keys, 2), v = inputs<T>(keys, 3);
  const auto a = run(q, k, v, Mask::padding(lengths));
  const auto first_half_is_zero = [](const std::vector<T>& x) {
    return std::all_of(x.begin(), x.begin() + static_cast<std::ptrdiff_t>(x.size() / 2), [](T y) { return y == 0; });
  };
  for (const auto* x : {&a.output, &a.weights, &a.dq, &a.dk, &a.dv}) {
    EXPECT_TRUE(first_half_is_zero(*x));
    EXPECT_TRUE(std::all_of(x->begin(), x->end(), [](T y) { return std::isfinite(y); }));
    EXPECT_NE(x->back(), 0);
  }
}

TEST(Attention, IgnoresLargeScoresWithoutOverflow) {
  const auto q = inputs<float>(queries, 1), v = inputs<float>(keys, 3);
  auto k = inputs<float>(keys, 2);
  for (float& x : k) x *= 1e4F;
  const auto a = run(q, k, v, Mask::none());
  for (const auto* x : {&a.output, &a.weights, &a.dq, &a.dk, &a.dv})
    EXPECT_TRUE(std::all_of(x->begin(), x->end(), [](float y) { return std::isfinite(y); }));
}

TEST(Softmax, LeavesMaskedKeysAlone) {
  Tape<double> tape;
  const Recording recording(tape);
  const double nan = std::nan("");
  const std::vector<double> scores{1, 1, nan, nan, 0, 2, 4, nan};
  const std::vector<int> lengths{2, 3};
  const Var<double> x = tape.variable({2, 1, 4}, scores), y = softmax(x, Mask::padding(lengths));
  const double e2 = std::exp(-2.0), e4 = std::exp(-4.0), total = 1 + e2 + e4;
  EXPECT_LE(largest_difference(values_of(y), std::vector<double>{0.5, 0.5, 0, 0, e4 / total, e2 / total, 1 / total, 0}),
            1e-15);
  tape.backward(y, normal_numbers<double>(8, 1));
  const std::vector<double> dx = gradient_of(x);
  EXPECT_EQ(dx[2], 0);
  EXPECT_EQ(dx[7], 0);
  EXPECT_NEAR(dx[0] + dx[1], 0, 1e-15);
}

/// Values of a causal attention over two sentences of four words with two heads, the second padded, and the gradients
/// that these make of the outputs, with one number of q, k, v or of the output's gradient replaced.
struct CausalNumbers {
  static constexpr int sentences = 2, words = 4, width = 4, size = sentences * words * width;
  enum Place { in_q, in_k, in_v, in_dy };

  template <class T>
  static std::vector<std::vector<T>> outputs_and_gradients(int place, int at, T number) {
    Random random(3);
    std::vector<std::vector<T>> given(4, std::vector<T>(size));
    for (auto& numbers : given)
      for (T& x : numbers) x = static_cast<T>(random.normal());
    if (at >= 0) given[static_cast<std::size_t>(place)][static_cast<std::size_t>(at)] = number;
    Tape<T> tape;
    const Recording recording(tape);
    const Shape shape{sentences, words, width};
    const Var<T> q = tape.variable(shape, given[0]), k = tape.variable(shape, given[1]),
                 v = tape.variable(shape, given[2]);
    const std::vector<int> lengths{4, 3};
    const Var<T> y = attention(q, k, v, Mask::causal_padding(lengths), 2).output;
    tape.backward(y, std::span<const T>(given[3]));
    std::vector<std::vector<T>> results{{y.data(), y.data() + size}};
    for (const Var<T> x : {q, k, v}) results.emplace_back(x.grad().data, x.grad().data + size);
    return results;
  }
};

TEST(Attention, NotANumberReachesNothingThatTheMaskHidesItFrom) {
  using N = CausalNumbers;
  const auto clean = N::outputs_and_gradients<float>(0, -1, 0);
  for (const int place : {N::in_q, N::in_k, N::in_v, N::in_dy})
    for (int at = 0; at < N::size; ++at) {
      const int sentence = at / (N::words * N::width), word = at / N::width % N::words;
      const auto got = N::outputs_and_gradients<float>(place, at, NAN);
      for (std::size_t result = 0; result < 4; ++result)
        for (int other = 0; other < N::size; ++other) {
          const int other_word = other / N::width % N::words;
          // What stands at a word as a query, the output and dq, sees words up to itself; as a key, dk and dv, it is
          // seen by words from itself on. A query that sees a key reaches through it the other keys that it sees.
          const bool of_query = result < 2;
          bool is_hidden = other / (N::words * N::width) != sentence;
          if (place == N::in_q || place == N::in_dy) is_hidden |= of_query ? other_word != word : other_word > word;
          if (place == N::in_k || place == N::in_v) is_hidden |= of_query && other_word < word;
          if (!is_hidden) continue;
          // Products with what is not finite are made in another order, which rounds otherwise with some compilers.
          EXPECT_NEAR(got[result][static_cast<std::size_t>(other)], clean[result][static_cast<std::size_t>(other)],
                      1e-6)
              << "input " << place << " at " << at << " reaches number " << other << " of result " << result;
        }
    }
}

TEST(Softmax, NothingFlowsThroughAMaskedKey) {
  Tape<double> tape;
  const Recording recording(tape);
  const std::vector<double> numbers{1, 2, 3, 4, 5, 6};
  const Var<double> x = tape.variable({1, 2, 3}, numbers);
  const std::vector<int> lengths{2};
  const Var<double> y = softmax(x, Mask::padding(lengths));
  tape.backward(y, std::vector<double>{1, 2, NAN, 1, 3, INFINITY});
  for (int row = 0; row < 2; ++row) {
    EXPECT_TRUE(std::isfinite(x.grad()(row, 0)));
    EXPECT_NE(x.grad()(row, 1), 0);
    EXPECT_EQ(x.grad()(row, 2), 0);
  }
}

}  // namespace
}  // namespace qkv
