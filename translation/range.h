#pragma once

#include <fmt/format.h>
#include <limits>
#include <string>
#include <type_traits>

namespace qkv {

/// The numbers that a setting or an option may have: from `least` to `most`, either of them with it or not.
template <class Number>
struct Range {
  Number least;
  Number most;
  bool without_least = false;
  bool without_most = false;

  /// Not-a-number is in no range, infinity in none that ends at the largest number there is.
  bool contains(Number value) const {
    return (without_least ? value > least : value >= least) && (without_most ? value < most : value <= most);
  }

  /// As help and errors say it, behind "it must be": "from 1 to 256", "at least 0 and below 1", "at least 0".
  std::string text() const {
    if (std::is_floating_point_v<Number> && most == std::numeric_limits<Number>::max())
      return fmt::format("{} {}", without_least ? "above" : "at least", least);
    if (!without_least && !without_most) return fmt::format("from {} to {}", least, most);
    return fmt::format("{} {} and {} {}", without_least ? "above" : "at least", least,
                       without_most ? "below" : "at most", most);
  }
};
template <class Number>
Range(Number, Number) -> Range<Number>;
template <class Number>
Range(Number, Number, bool, bool) -> Range<Number>;

}  // namespace qkv
