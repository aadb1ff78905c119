#include "qkv/study/compare/intervals.h"

#include <algorithm>
#include <cmath>

#include "qkv/autograd/check.h"
#include "qkv/autograd/random.h"

namespace qkv {
namespace {

constexpr double z = 1.959963984540054;  // 95 % of a normal distribution lie within ± z

}  // namespace

Interval wilson(double share, std::size_t n) {
  check(n > 0, "wilson: there are no trials");
  check(share >= 0 && share <= 1, "wilson: {} is no share", share);
  const auto trials = static_cast<double>(n);
  const double centre = (share + z * z / (2 * trials)) / (1 + z * z / trials);
  const double half =
      z / (1 + z * z / trials) * std::sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials));
  return {share, std::max(0.0, centre - half), std::min(1.0, centre + half)};
}

Interval mean_interval(const std::vector<double>& numbers) {
  check(!numbers.empty(), "mean_interval: there are no numbers");
  const auto n = static_cast<double>(numbers.size());
  double mean = 0, squares = 0;
  for (const double number : numbers) mean += number / n;
  for (const double number : numbers) squares += (number - mean) * (number - mean);
  const double half = numbers.size() > 1 ? z * std::sqrt(squares / (n - 1) / n) : 0;
  return {mean, mean - half, mean + half};
}

Interval median_interval(std::vector<double> numbers) {
  check(!numbers.empty(), "median_interval: there are no numbers");
  std::sort(numbers.begin(), numbers.end());
  const std::size_t n = numbers.size();
  const double rank = (static_cast<double>(n) - z * std::sqrt(static_cast<double>(n))) / 2;
  const auto below = static_cast<std::size_t>(std::max(0.0, std::floor(rank) - 1));
  return {(numbers[(n - 1) / 2] + numbers[n / 2]) / 2, numbers[std::min(below, n - 1)], numbers[n - 1 - below]};
}

Interval bootstrap(std::size_t n, std::uint64_t seed,
                   const std::function<double(const std::vector<int>& times)>& statistic) {
  check(n > 0, "bootstrap: there are no items");
  constexpr std::size_t draws = 1000;
  Random random(seed);
  std::vector<int> times(n, 1);
  const double value = statistic(times);
  std::vector<double> drawn(draws);
  for (double& one : drawn) {
    std::fill(times.begin(), times.end(), 0);
    for (std::size_t i = 0; i < n; ++i) ++times[random.below(n)];
    one = statistic(times);
  }
  std::sort(drawn.begin(), drawn.end());
  return {value, drawn[draws / 40 - 1], drawn[draws - draws / 40]};
}

}  // namespace qkv
