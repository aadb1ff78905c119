#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "qkv/autograd/shape.h"

namespace qkv {

/// Sizes that a wrong factor may come from, by name, such as {"heads", 4}.
using NamedSizes = std::vector<std::pair<std::string, int>>;

/// How a function used one input.
struct InputUse {
  int count = 1;            ///< how often
  bool accumulates = true;  ///< whether the backward pass adds to a gradient that is there already, or overwrites it
};

/// Says what the pattern of a wrong gradient looks like, so that its reader knows where to look: never written, the
/// wrong sign, a constant factor (and the size it may come from), transposed, a mask that leaks, a missing Σ term, a
/// second use that is not accumulated, or only some rows or one entry wrong. Empty if nothing fits.
/// got, expected: the gradients of one input for one random cotangent, of this shape.
std::string diagnose(std::span<const double> got, std::span<const double> expected, const Shape& shape,
                     const InputUse& use, const NamedSizes& sizes);

}  // namespace qkv
