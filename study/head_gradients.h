#pragma once

#include <optional>
#include <string>
#include <vector>

#include "qkv/study/attention_head.h"
#include "qkv/study/exact_derivatives.h"

namespace qkv {

/// A gradient that was computed from the matrices of a head by the textbook's formulas, and what it was compared with.
struct CheckedGradient {
  NumberMatrix values;
  NumberMatrix scale;                     ///< Σ|terms| of each entry: what its rounding error is relative to
  std::optional<NumberMatrix> exact;      ///< by dual numbers, entry by entry; none: of the entries in `shown` only
  int shown_rows = 0, shown_columns = 0;  ///< where there is no `exact`: the first entries, which were compared
  double largest_difference = 0;          ///< over the scale, to the exact derivatives and to the tape's gradients
  bool agrees = true;

  static constexpr double tolerance = 1e-12;  ///< of the scale
};

/// The backward pass through one head, step by step.
struct HeadGradients {
  CheckedGradient output;                 ///< [rows, C] what comes in
  CheckedGradient values;                 ///< [columns, C] Wᵀ dO: of values, or of states as values
  CheckedGradient weights;                ///< [rows, columns] dO Vᵀ
  CheckedGradient sigma;                  ///< [rows, 1] Σ weights · dweights
  CheckedGradient scaled;                 ///< [rows, columns] weights · (dweights − sigma)
  CheckedGradient scores;                 ///< [rows, columns] scale · dscaled
  CheckedGradient queries;                ///< [rows, C] dS K
  CheckedGradient keys;                   ///< [columns, C] dSᵀ Q
  std::optional<CheckedGradient> energy;  ///< [1, A] of an additive score
  struct Projection {
    std::string name;        ///< "query", "key" or "value"
    CheckedGradient weight;  ///< the head's rows of it
    std::optional<CheckedGradient> bias;
  };
  std::vector<Projection> projections;
  std::optional<CheckedGradient> x_as_queries, memory_as_keys;  ///< where nothing but this attention reads them: no;
                                                                ///< of hidden states, the part through queries and keys
};

/// Computes them. Without `projections`, those are left out: each takes some dozens of passes.
HeadGradients head_gradients(const AttentionHeadMatrices& head, ExactDerivatives& exact, bool projections);

}  // namespace qkv
