#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace qkv {

/// A measured number and its 95 % interval.
struct Interval {
  double value = 0;
  double low = 0;
  double high = 0;
};

/// A proportion `share` of n trials: (p + z²/2n ± z √(p(1−p)/n + z²/4n²)) / (1 + z²/n) with z = 1.96 (Wilson 1927),
/// which is within 0 and 1 and does not shrink to nothing at 0 of n. Throws std::invalid_argument for no trials or a
/// share that is not within 0 and 1.
Interval wilson(double share, std::size_t n);

/// The mean and ± 1.96 standard errors. One number is its own interval. Throws std::invalid_argument for none.
Interval mean_interval(const std::vector<double>& numbers);

/// The median, and the numbers of rank (n − 1.96 √n) / 2 and 1 + (n + 1.96 √n) / 2, between which the median of what
/// they are drawn from lies. A number that is far off moves none of them. Throws std::invalid_argument for no numbers.
Interval median_interval(std::vector<double> numbers);

/// The percentile bootstrap (Efron 1979; Koehn 2004 for BLEU): `statistic` of all n items, and the 2.5th and 97.5th
/// percentile of what it is for n items drawn from them with replacement, 1000 times. It is given how often each item
/// is taken. The same seed and n draw the same items. Throws std::invalid_argument for no items.
Interval bootstrap(std::size_t n, std::uint64_t seed,
                   const std::function<double(const std::vector<int>& times)>& statistic);

}  // namespace qkv
