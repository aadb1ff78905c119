#pragma once

#include <functional>
#include <optional>

#include "qkv/study/exact_derivatives.h"
#include "qkv/study/explain/number_matrix.h"

namespace qkv {

/// One entry of a value on the tape.
struct TapePlace {
  std::int32_t node = 0;
  std::int64_t element = 0;
};

/// A gradient as a matrix, beside the same derivatives by dual numbers.
struct CheckedGradient {
  NumberMatrix values;  ///< not a number: a mask hides the entry
  NumberMatrix scale;   ///< Σ|terms| of each entry: what its rounding error is relative to
  NumberMatrix exact;   ///< of all entries, or of the first rows and columns only, where they are many
  double largest_difference =
      0;  ///< over the scale, from the exact derivatives and, if another was computed, the tape's
  bool agrees = true;

  static constexpr double tolerance = 1e-12;  ///< of the scale

  bool is_exact_everywhere() const { return exact.rows == values.rows && exact.columns == values.columns; }
  void compare(double got, double other, double with_scale);
};

/// The tape's own gradient of the values at these places.
CheckedGradient gradient_on_tape(ExactDerivatives& exact, int rows, int columns,
                                 const std::function<TapePlace(int, int)>& at);

/// ∂loss / ∂(the value there), by the tape; 0 where the loss does not depend on it.
double gradient_at(const SentencePass& pass, TapePlace at);

}  // namespace qkv
