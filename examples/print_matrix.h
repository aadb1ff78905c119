#pragma once

#include <cmath>
#include <fmt/format.h>
#include <string>

#include "qkv/autograd/dual.h"
#include "qkv/autograd/view.h"

namespace qkv {

/// Prints the rows of a matrix below one another, the name before the first. Numbers that round to zero are printed
/// without a sign.
template <class T>
void print_matrix(const std::string& name, View<T> matrix, int decimals = 3) {
  for (int i = 0; i < matrix.rows; ++i) {
    fmt::print("{:<10}", i == 0 ? name : "");
    for (int j = 0; j < matrix.columns; ++j) {
      const double number = plain(matrix(i, j));
      fmt::print(" {:>{}.{}f}", std::abs(number) < 0.5 * std::pow(10, -decimals) ? 0.0 : number, decimals + 4,
                 decimals);
    }
    fmt::print("\n");
  }
}

}  // namespace qkv
