#pragma once

#include <span>

#include "qkv/train/team.h"

namespace qkv {

/// A gradient in the layout of the parameters, for an optimiser to step along: `scale` times these numbers. The scale
/// is what clipping leaves of it; it is applied where the numbers are read anyway. A team, if there is one, shares the
/// work.
template <class T>
struct Gradient {
  Gradient(std::span<const T> all, double factor = 1, Team* workers = nullptr)  // NOLINT(google-explicit-constructor)
      : numbers(all), scale(factor), team(workers) {}
  Gradient(std::span<T> all) : numbers(all) {}  // NOLINT(google-explicit-constructor): a span is a whole gradient

  std::span<const T> numbers;
  double scale = 1;
  Team* team = nullptr;
};

}  // namespace qkv
