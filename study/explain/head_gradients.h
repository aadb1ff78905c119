#pragma once

#include <optional>
#include <string>
#include <vector>

#include "qkv/study/explain/attention_head.h"

namespace qkv {

/// The backward pass through one head, step by step: computed from its matrices by the textbook's formulas, from what
/// comes in on, and compared with the exact derivatives and with the tape's gradients where the tape has the value.
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
    std::string name;        ///< "query", "key", "value" or "output"
    CheckedGradient weight;  ///< the head's rows of it; of the output's, its columns
    std::optional<CheckedGradient> bias;
  };
  std::vector<Projection> projections;
  std::optional<CheckedGradient> projected;  ///< [rows, C] what comes in behind the projection of the output
  /// Of hidden states, which others read too: the parts that flow through queries and through keys.
  std::optional<CheckedGradient> x_as_queries, memory_as_keys;
};

/// How much of a parameter's gradient has exact derivatives entry by entry: its first rows and columns. The whole has
/// one along a random direction.
inline constexpr int most_exact_rows = 4, most_exact_columns = 8;

/// What of them is computed, and how it is compared.
struct HeadGradientOptions {
  bool projections = true;  ///< each takes some dozens of passes
  bool each_entry = true;   ///< else each matrix as a whole, along one random direction of its entries
};

/// Computes them.
HeadGradients head_gradients(const AttentionHeadMatrices& head, ExactDerivatives& exact,
                             const HeadGradientOptions& options);

}  // namespace qkv
