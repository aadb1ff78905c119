#pragma once

#include <span>
#include <string>
#include <vector>

namespace qkv {

/// How a matrix is drawn.
struct ShadedMatrixStyle {
  bool digits = false;  ///< the weights themselves in two digits beside the shades; those below .005 are left out
  bool colour = false;  ///< 256-colour backgrounds, for a terminal; otherwise the shades · ░ ▒ ▓ █
  int width = 80;       ///< of the terminal in columns; a matrix that is wider is drawn in parts, one below the other
};

/// Draws a matrix of weights from 0 to 1 for people to look at, one line per row, each line ending in "\n". Row labels
/// stand before their rows; column labels above their columns, written downwards, as Korean may be. Control
/// and format characters in labels are shown as `\u{1b}`; labels longer than 16 columns are shortened.
/// weights: [rows.size(), columns.size()], row-major.
/// Throws std::invalid_argument if the number of weights differs from that, if one is not within 0 … 1 (a thousandth is
/// forgiven as rounding), or if the width leaves no room for a single column.
std::string shaded_matrix(const std::vector<std::string>& rows, const std::vector<std::string>& columns,
                          std::span<const float> weights, const ShadedMatrixStyle& style = {});

/// One line that says which shades or colours stand for which weights.
std::string shaded_matrix_legend(bool colour = false);

}  // namespace qkv
