#pragma once

#include <cstddef>
#include <vector>

namespace qkv {

/// A matrix of numbers to look at, row by row.
struct NumberMatrix {
  int rows = 0;
  int columns = 0;
  std::vector<double> numbers;

  NumberMatrix() = default;
  NumberMatrix(int r, int c)
      : rows(r), columns(c), numbers(static_cast<std::size_t>(r) * static_cast<std::size_t>(c)) {}

  /// formula(i, j) in row i, column j.
  template <class Formula>
  NumberMatrix(int r, int c, Formula formula) : NumberMatrix(r, c) {
    for (int i = 0; i < r; ++i)
      for (int j = 0; j < c; ++j) (*this)(i, j) = formula(i, j);
  }

  double& operator()(int i, int j) { return numbers[at(i, j)]; }
  const double& operator()(int i, int j) const { return numbers[at(i, j)]; }

 private:
  std::size_t at(int i, int j) const {
    return static_cast<std::size_t>(i) * static_cast<std::size_t>(columns) + static_cast<std::size_t>(j);
  }
};

}  // namespace qkv
