#include <gtest/gtest.h>

#include "qkv/autograd/ops/attention.h"
#include "qkv/autograd/ops/dropout.h"
#include "tests/autograd/numbers.h"

namespace qkv {
namespace {

constexpr int sentences = 2, heads = 2, queries = 4, keys = 5, width = 6, head_width = width / heads;
constexpr DrawKey in_training{.seed = 3, .step = 5, .first_row = 4, .training = true};

/// Attention with dropout of its weights, or without, and dropout of the weights by itself.
struct Attending {
  std::vector<double> output, weights, dropped;
};
Attending run(double p, const DrawKey& draws, Mask mask = Mask::none()) {
  Tape<double> tape;
  const Recording recording(tape);
  tape.draws = draws;
  const Var<double> q = tape.constant({sentences, queries, width},
                                      normal_numbers<double>(std::int64_t{sentences} * queries * width, 1)),
                    k = tape.constant({sentences, keys, width},
                                      normal_numbers<double>(std::int64_t{sentences} * keys * width, 2)),
                    v = tape.constant({sentences, keys, width},
                                      normal_numbers<double>(std::int64_t{sentences} * keys * width, 3));
  const Attended<double> attended = attention(q, k, v, mask, heads, {}, p);
  return {values_of(attended.output), values_of(attended.weights), values_of(dropout(attended.weights, 0.4))};
}

TEST(AttentionDropout, WeighsWithTheWeightsThatDropoutLeaves) {
  const std::vector<int> lengths{3, 5};
  for (const Mask mask : {Mask::none(), Mask::padding(lengths)}) {
    const Attending with = run(0.4, in_training, mask), without = run(0, in_training, mask);
    EXPECT_EQ(with.weights, without.weights) << "people look at the weights before dropout";
    EXPECT_NE(with.output, without.output);
    const std::vector<double> v = normal_numbers<double>(std::int64_t{sentences} * keys * width, 3);
    for (int b = 0; b < sentences; ++b)
      for (int i = 0; i < queries; ++i)
        for (int c = 0; c < width; ++c) {
          double expected = 0;
          for (int j = 0; j < keys; ++j)
            expected +=
                without.dropped[static_cast<std::size_t>(((b * heads + c / head_width) * queries + i) * keys + j)] *
                v[static_cast<std::size_t>((b * keys + j) * width + c)];
          EXPECT_NEAR(with.output[static_cast<std::size_t>((b * queries + i) * width + c)], expected, 1e-13);
        }
  }
}

TEST(AttentionDropout, IsOneUseAndNoneWithoutIt) {
  EXPECT_NE(run(0.4, in_training).dropped, run(0, in_training).dropped) << "the next dropout draws anew";
  DrawKey looking = in_training;
  looking.training = false;
  const Attending a = run(0.4, looking), b = run(0, looking);
  EXPECT_EQ(a.output, b.output);
  EXPECT_EQ(a.dropped, a.weights);
}

TEST(AttentionDropout, NeedsAProbability) {
  for (const double p : {-0.1, 1.0}) EXPECT_NE(complaint([&] { run(p, in_training); }), "");
}

}  // namespace
}  // namespace qkv
