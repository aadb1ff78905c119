#include "qkv/translation/alignment_error.h"

#include <gtest/gtest.h>
#include <limits>
#include <stdexcept>
#include <utility>
#include <vector>

namespace qkv {
namespace {

// Three source and four target words. Target word 0 has two sure links, 1 a possible one, 2 none, 3 a sure and a
// possible one: |S| = 3, |P| = 5, and A has three links.
Pair example() {
  return {
      {"a", "b", "c"}, {"w", "x", "y", "z"}, {{0, 0, true}, {2, 0, true}, {1, 1, false}, {2, 3, true}, {0, 3, false}}};
}

void expect_counts(const AlignmentCounts& counts, double sure_found, double possible_found) {
  EXPECT_DOUBLE_EQ(counts.sure_found, sure_found);
  EXPECT_DOUBLE_EQ(counts.possible_found, possible_found);
  EXPECT_DOUBLE_EQ(counts.judged, 3);
  EXPECT_DOUBLE_EQ(counts.sure, 3);
}

TEST(AlignmentError, TakesTheLargestWeightOfEachLinkedWord) {
  const std::vector<float> weights = {.5f, .3f, .2f,   // a: sure
                                      .1f, .7f, .2f,   // b: possible
                                      .9f, .1f, .0f,   // not judged
                                      .1f, .6f, .3f};  // b: wrong
  const AlignmentCounts counts = judge_attention(weights, 3, example());
  expect_counts(counts, 1, 2);
  EXPECT_DOUBLE_EQ(counts.error_rate(), 1 - 3.0 / 6);
}

TEST(AlignmentError, LeavesTheEndOfTheSentenceOut) {
  const std::vector<float> weights = {
      .1f, .0f, .2f, .7f, .0f, 0,   .3f, .1f, .6f, .0f, 1, 0, 0,
      0,   0,   .2f, .1f, .3f, .4f, 0,   9,   9,   9,   9, 9};  // <eos>, padding, its own <eos> row
  const AlignmentCounts counts = judge_attention(weights, 5, example());
  expect_counts(counts, 2, 3);  // c, b and c
  EXPECT_DOUBLE_EQ(counts.error_rate(), 1 - 5.0 / 6);
}

TEST(AlignmentError, TakesTheFirstOfEqualWeights) {
  expect_counts(judge_attention(std::vector<float>(12, 0.25f), 3, example()), 1, 2);  // a is sure, wrong, possible
}

TEST(AlignmentError, ComparesWithUniformDiagonalAndBest) {
  expect_counts(judge_uniform(example()), 2.0 / 3 + 1.0 / 3, 2.0 / 3 + 1.0 / 3 + 2.0 / 3);
  expect_counts(judge_diagonal(example()), 2, 3);  // a, b, c and c
  expect_counts(judge_best(example()), 2, 3);
  EXPECT_DOUBLE_EQ(judge_best(example()).error_rate(), 1.0 / 6);  // one link cannot find both of target word 0
}

TEST(AlignmentError, WalksAlongTheDiagonal) {
  Pair pair{std::vector<std::string>(3, "s"), std::vector<std::string>(6, "t"), {}};
  for (int target = 0; target < 6; ++target) pair.links.push_back({target / 2, target, true});
  EXPECT_DOUBLE_EQ(judge_diagonal(pair).error_rate(), 0);
  std::swap(pair.source, pair.target);
  pair.links = {{1, 0, true}, {3, 1, true}, {5, 2, true}};
  EXPECT_DOUBLE_EQ(judge_diagonal(pair).error_rate(), 0);
}

TEST(AlignmentError, AddsUpSentencesBeforeDividing) {
  AlignmentCounts sum = judge_best(example());
  Pair wrong{{"a", "b"}, {"x"}, {{1, 0, true}}};
  sum += judge_attention(std::vector<float>{1, 0}, 2, wrong);
  EXPECT_DOUBLE_EQ(sum.error_rate(), 1 - 5.0 / 8);
}

TEST(AlignmentError, RefusesWhatCannotBeJudged) {
  EXPECT_THROW(AlignmentCounts{}.error_rate(), std::invalid_argument);
  EXPECT_THROW(judge_attention(std::vector<float>(11), 3, example()), std::invalid_argument);
  EXPECT_THROW(judge_attention(std::vector<float>(12), 2, example()), std::invalid_argument);
  std::vector<float> weights(12);
  weights[4] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THROW(judge_attention(weights, 3, example()), std::invalid_argument);
  Pair outside = example();
  outside.links.push_back({3, 0, true});
  EXPECT_THROW(judge_best(outside), std::invalid_argument);
  EXPECT_THROW(judge_attention(std::vector<float>(12), 3, outside), std::invalid_argument);
}

}  // namespace
}  // namespace qkv
