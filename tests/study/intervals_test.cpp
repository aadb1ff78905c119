#include "qkv/study/compare/intervals.h"

#include <cmath>
#include <gtest/gtest.h>

namespace qkv {
namespace {

// Newcombe 1998, table I, method 3 (Wilson's score without continuity correction).
TEST(Intervals, WilsonsAreThoseOfThePublishedTable) {
  struct Known {
    double right;
    std::size_t n;
    double low, high;
  };
  for (const auto& [right, n, low, high] : {Known{81, 263, 0.2553, 0.3662}, Known{15, 148, 0.0624, 0.1605},
                                            Known{0, 20, 0.0, 0.1611}, Known{1, 29, 0.0061, 0.1718}}) {
    const Interval interval = wilson(right / static_cast<double>(n), n);
    EXPECT_NEAR(interval.low, low, 5e-5) << right << " of " << n;
    EXPECT_NEAR(interval.high, high, 5e-5) << right << " of " << n;
  }
  EXPECT_NEAR(wilson(1, 10).high, 1, 1e-12);
  EXPECT_LE(wilson(1, 10).high, 1);
  EXPECT_THROW(wilson(0.5, 0), std::invalid_argument);
  EXPECT_THROW(wilson(1.5, 3), std::invalid_argument);
}

TEST(Intervals, OfAMeanAreItsStandardErrors) {
  const Interval interval = mean_interval({1, 2, 3, 4});
  EXPECT_DOUBLE_EQ(interval.value, 2.5);
  const double half = 1.959963984540054 * std::sqrt(5.0 / 3 / 4);
  EXPECT_NEAR(interval.low, 2.5 - half, 1e-12);
  EXPECT_NEAR(interval.high, 2.5 + half, 1e-12);
  EXPECT_EQ(mean_interval({7}).low, 7);
  EXPECT_THROW(mean_interval({}), std::invalid_argument);
}

TEST(Intervals, OfAMedianLieBetweenNumbersOfTheMiddle) {
  std::vector<double> numbers;
  for (int i = 1; i <= 100; ++i) numbers.push_back(i == 100 ? 1e9 : i);
  const Interval interval = median_interval(numbers);
  EXPECT_EQ(interval.value, 50.5);
  EXPECT_EQ(interval.low, 40);
  EXPECT_EQ(interval.high, 61);
  EXPECT_EQ(median_interval({3}).low, 3);
  EXPECT_EQ(median_interval({3, 1}).value, 2);
}

TEST(Intervals, TheBootstrapOfAMeanIsNearItsStandardErrors) {
  std::vector<double> numbers;
  for (int i = 0; i < 400; ++i) numbers.push_back(i % 2);
  const auto mean = [&](const std::vector<int>& times) {
    double sum = 0;
    int count = 0;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      sum += times[i] * numbers[i];
      count += times[i];
    }
    EXPECT_EQ(count, 400);
    return sum / count;
  };
  const Interval interval = bootstrap(numbers.size(), 1, mean), again = bootstrap(numbers.size(), 1, mean);
  EXPECT_EQ(interval.value, 0.5);
  EXPECT_NEAR(interval.low, 0.5 - 1.96 * 0.025, 0.006);
  EXPECT_NEAR(interval.high, 0.5 + 1.96 * 0.025, 0.006);
  EXPECT_EQ(interval.low, again.low);
  std::vector<std::vector<int>> draws[2];
  for (std::uint64_t seed : {0, 1})
    bootstrap(400, seed, [&](const std::vector<int>& times) {
      draws[seed].push_back(times);
      return 0.0;
    });
  EXPECT_EQ(draws[0].size(), 1001U);
  EXPECT_EQ(draws[0][0], draws[1][0]);  // all items once
  EXPECT_NE(draws[0][1], draws[1][1]);
}

}  // namespace
}  // namespace qkv
