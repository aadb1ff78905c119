#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>
#include <span>
#include <utility>
#include <vector>

#include "qkv/autograd/check.h"

namespace qkv {

/// Mixes 64 bits so that every input bit reaches every output bit: the finaliser of SplitMix64
/// (Steele, Lea & Flood 2014, "Fast splittable pseudorandom number generators").
constexpr std::uint64_t mix64(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

/// A stream of random numbers, the same on every machine and compiler: SplitMix64 with distributions of its own,
/// since those of the standard library differ between implementations. The whole state is one integer.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(mix64(seed + golden)) {}

  /// 64 uniform bits.
  std::uint64_t bits() { return mix64(state_ += golden); }

  /// Uniform in [0, 1), with 53 random bits.
  double uniform() { return static_cast<double>(bits() >> 11) * 0x1p-53; }

  /// Uniform in [low, high).
  double uniform(double low, double high) { return low + (high - low) * uniform(); }

  /// Uniform in 0 … n − 1, without bias; n must be positive.
  std::uint64_t below(std::uint64_t n) {
    const std::uint64_t limit = (0 - n) % n;  // 2⁶⁴ mod n: the draws below it would favour small results
    std::uint64_t draw = bits();
    while (draw < limit) draw = bits();
    return draw % n;
  }

  /// Standard normal, by the Box-Muller transform; uses two draws.
  double normal() {
    const double u = 1.0 - uniform(), v = uniform();
    return std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * std::numbers::pi * v);
  }

  /// A uniformly random order (Fisher-Yates).
  template <class Item>
  void shuffle(std::vector<Item>& items) {
    for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[below(i)]);
  }

  /// One of 0 … n − 1, each with a chance in proportion to its weight. Throws std::invalid_argument unless all weights
  /// are at least 0 and their sum is above 0 and finite.
  int choose(std::span<const double> weights) {
    double sum = 0;
    for (const double weight : weights) {
      check(weight >= 0, "choose: a weight is {}, which is below 0", weight);
      sum += weight;
    }
    check(sum > 0 && std::isfinite(sum), "choose: the weights' sum is {}, not above 0 and finite", sum);
    double rest = uniform(0, sum);
    int last = 0;  // where rounding leaves nothing of `rest`, the last that may be chosen
    for (std::size_t i = 0; i < weights.size(); ++i) {
      if (weights[i] == 0) continue;
      last = static_cast<int>(i);
      if (rest < weights[i]) break;
      rest -= weights[i];
    }
    return last;
  }

 private:
  static constexpr std::uint64_t golden = 0x9e3779b97f4a7c15ULL;
  std::uint64_t state_;
};

}  // namespace qkv
