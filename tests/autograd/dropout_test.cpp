#include "qkv/autograd/ops/dropout.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <set>

#include "tests/autograd/numbers.h"

namespace qkv {
namespace {

/// Dropout of ones [sentences, length, width] with these draws, as the `use`-th use in the step.
std::vector<float> dropped(double p, const Shape& shape, DrawKey draws, int use = 0) {
  Tape<float> tape;
  const Recording recording(tape);
  tape.draws = draws;
  const Var<float> x = tape.constant(shape, std::vector<float>(static_cast<std::size_t>(shape.size()), 1.0F));
  Var<float> y;
  for (int i = 0; i <= use; ++i) y = dropout(x, p);
  return values_of(y);
}

constexpr DrawKey training{.seed = 3, .step = 5, .first_row = 0, .training = true};

TEST(Dropout, KeepsTheMeanAndHasTheRightVariance) {
  for (double p : {0.1, 0.5, 0.9}) {
    const std::vector<float> y = dropped(p, {100, 50, 64}, training);
    const auto n = static_cast<double>(y.size());
    double mean = 0, variance = 0;
    std::set<float> different(y.begin(), y.end());
    for (float value : y) mean += static_cast<double>(value) / n;
    for (float value : y) variance += (static_cast<double>(value) - mean) * (static_cast<double>(value) - mean) / n;
    const double expected = p / (1 - p);  // of a value that is 1 / (1 − p) with probability 1 − p, else 0
    EXPECT_NEAR(mean, 1, 5 * std::sqrt(expected / n));
    EXPECT_NEAR(variance, expected, 0.02 * expected);
    EXPECT_EQ(different, (std::set<float>{0, static_cast<float>(1 / (1 - p))}));
  }
}

TEST(Dropout, NeighboursAreIndependent) {
  const int width = 64;
  const std::vector<float> y = dropped(0.5, {100, 50, width}, training);
  for (std::size_t distance : {1, 2, width, 50 * width}) {  // next feature, position, sentence
    double both = 0;
    for (std::size_t i = 0; i + distance < y.size(); ++i) both += y[i] == 0 && y[i + distance] == 0 ? 1 : 0;
    const auto n = static_cast<double>(y.size() - distance);
    EXPECT_NEAR(both / n, 0.25, 5 * std::sqrt(0.1875 / n)) << "distance " << distance;
  }
}

TEST(Dropout, DrawsWhatItAlwaysDrew) {  // what a training that is resumed relies on
  const std::vector<float> y = dropped(0.5, {2, 3, 8}, {.seed = 3, .step = 5, .first_row = 1, .training = true}, 1);
  std::string drawn;
  for (float value : y) drawn += value == 0 ? '.' : 'x';
  EXPECT_EQ(drawn, "...xx....x..xx.x.xxxx....xx.x..x.x.xxxxx....xx..");
}

TEST(Dropout, DrawsTheSameForARowWhateverItsShape) {
  const std::vector<float> sequence = dropped(0.5, {3, 4, 8}, training), row = dropped(0.5, {3, 32}, training);
  EXPECT_EQ(sequence, row);
  DrawKey second = training;
  second.first_row = 2;
  EXPECT_EQ(dropped(0.5, {1, 32}, second), std::vector<float>(row.begin() + 64, row.end()));
}

TEST(Dropout, WithHeadsDependsNeitherOnPaddingNorOnSharding) {
  const int heads = 3;
  const auto at = [](const std::vector<float>& y, int length, int width, int b, int h, int i, int j) {
    return y[((b * heads + h) * length + i) * width + j];
  };
  DrawKey second = training;
  second.first_row = 1;
  const std::vector<float> narrow = dropped(0.5, {2, heads, 4, 5}, training),
                           wide = dropped(0.5, {2, heads, 7, 9}, training),
                           shard = dropped(0.5, {1, heads, 4, 5}, second);
  for (int b = 0; b < 2; ++b)
    for (int h = 0; h < heads; ++h)
      for (int i = 0; i < 4; ++i)
        for (int j = 0; j < 5; ++j) {
          EXPECT_EQ(at(narrow, 4, 5, b, h, i, j), at(wide, 7, 9, b, h, i, j));
          if (b == 1) {
            EXPECT_EQ(at(narrow, 4, 5, b, h, i, j), at(shard, 4, 5, 0, h, i, j));
          }
        }
  const std::vector<float> many = dropped(0.5, {20, heads, 10, 16}, training);
  const double dropped_share = static_cast<double>(std::count(many.begin(), many.end(), 0.0F)) / many.size();
  EXPECT_NEAR(dropped_share, 0.5, 5 * std::sqrt(0.25 / many.size()));
  for (std::size_t distance : {1, 16, 160, heads * 160}) {  // next feature, position, head, row
    double both = 0;
    for (std::size_t i = 0; i + distance < many.size(); ++i) both += many[i] == 0 && many[i + distance] == 0 ? 1 : 0;
    const auto n = static_cast<double>(many.size() - distance);
    EXPECT_NEAR(both / n, 0.25, 5 * std::sqrt(0.1875 / n)) << "distance " << distance;
  }
}

TEST(Dropout, OfFeaturesAloneIsTheSameForEveryWorker) {
  DrawKey second = training;
  second.first_row = 2;
  EXPECT_EQ(dropped(0.5, {40}, training), dropped(0.5, {40}, second));
}

TEST(Dropout, DependsOnSeedStepAndUse) {
  const Shape shape{4, 5, 8};
  DrawKey other_seed = training, other_step = training;
  other_seed.seed = 4;
  other_step.step = 6;
  const std::set<std::vector<float>> different{dropped(0.5, shape, training), dropped(0.5, shape, other_seed),
                                               dropped(0.5, shape, other_step), dropped(0.5, shape, training, 1),
                                               dropped(0.5, shape, training, 2)};
  EXPECT_EQ(different.size(), 5U);
  EXPECT_EQ(dropped(0.5, shape, training), dropped(0.5, shape, training));
}

TEST(Dropout, DoesNotDependOnPadding) {
  const std::vector<float> narrow = dropped(0.5, {3, 4, 8}, training), wide = dropped(0.5, {3, 9, 8}, training);
  for (std::size_t s = 0; s < 3; ++s)
    for (std::size_t i = 0; i < 4 * 8; ++i) EXPECT_EQ(narrow[s * 4 * 8 + i], wide[s * 9 * 8 + i]);
}

TEST(Dropout, DoesNotDependOnHowABatchIsSharded) {
  const std::vector<float> whole = dropped(0.3, {5, 4, 8}, training);
  std::vector<float> shards = dropped(0.3, {2, 4, 8}, training);
  DrawKey second = training;
  second.first_row = 2;
  const std::vector<float> rest = dropped(0.3, {3, 4, 8}, second);
  shards.insert(shards.end(), rest.begin(), rest.end());
  EXPECT_EQ(whole, shards);
}

TEST(Dropout, TheGradientPassesTheSameMask) {
  Tape<float> tape;
  const Recording recording(tape);
  tape.draws = training;
  const Var<float> x = tape.variable({2, 3, 8}, std::vector<float>(48, 1.0F)), y = dropout(x, 0.5);
  const std::vector<float> mask = values_of(y), ones(48, 1.0F);
  tape.backward(y, ones);
  EXPECT_EQ(gradient_of(x), mask);
}

TEST(Dropout, ReturnsTheSameValueWhenNothingIsDropped) {
  Tape<float> tape;
  const Recording recording(tape);
  const Var<float> x = normal_variable<float>(tape, {2, 3, 8}, 1);
  EXPECT_EQ(dropout(x, 0.5).node(), x.node()) << "not training";
  tape.draws = training;
  EXPECT_EQ(dropout(x, 0.0).node(), x.node()) << "probability 0";
  EXPECT_NE(dropout(x, 0.5).node(), x.node());
}

TEST(Dropout, StartsCountingItsUsesAgainWithEveryStepAndScope) {
  Tape<float> tape;
  const Recording recording(tape);
  std::vector<float> first;
  for (int step = 0; step < 2; ++step) {
    tape.rewind();
    tape.draws = training;
    const Var<float> x = normal_variable<float>(tape, {2, 3, 8}, 1);
    if (step == 1) {
      const Scope scope(tape);  // an evaluation in between
      (void)dropout(x, 0.5);
    }
    const std::vector<float> y = values_of(dropout(x, 0.5));
    if (step == 0) first = y;
    EXPECT_EQ(y, first);
  }
}

}  // namespace
}  // namespace qkv
