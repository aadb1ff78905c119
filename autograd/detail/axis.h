#pragma once

#include "qkv/autograd/shape.h"

namespace qkv {

/// A tensor seen along one of its dimensions, as [before, count, after]: its number [b, k, j] is the one at
/// (b · count + k) · after + j.
struct Axis {
  /// Negative dimensions count from the end. Throws std::invalid_argument if there is no such dimension.
  Axis(const Shape& shape, int dimension) : count(shape.dim(dimension)) {
    const int axis = dimension < 0 ? dimension + shape.rank() : dimension;
    for (int i = 0; i < axis; ++i) before *= shape.dim(i);
    for (int i = axis + 1; i < shape.rank(); ++i) after *= shape.dim(i);
  }

  int count;
  std::int64_t before = 1, after = 1;
};

}  // namespace qkv
