#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "autograd/shape.h"

namespace qkv {

/// Sizes that a wrong factor may come from, by name, such as {"heads", 4}.
using NamedSizes = std::vector<std::pair<std::string, int>>;

/// Says what the pattern of a wrong gradient looks like, so that its reader knows where to look: never written, the
/// wrong sign, a constant factor (and the size it may come from), transposed, a mask that leaks, a missing Σ term, a
/// second use that is not accumulated, or only some rows or one entry wrong. Empty if nothing fits.
/// got, expected: the gradients of one input for one random cotangent, of this shape; uses: how often the function
/// used the input.
std::string diagnose(std::span<const double> got, std::span<const double> expected, const Shape& shape, int uses,
                     const NamedSizes& sizes);

}  // namespace qkv
