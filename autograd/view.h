#pragma once

#include <cstddef>
#include <cstdint>

#include "qkv/autograd/check.h"

namespace qkv {

/// A matrix to read: rows × columns numbers, consecutive rows `stride` apart; or, when `is_transposed`, the
/// columns × rows matrix lies in memory so.
template <class T>
struct View {
  const T* data = nullptr;
  int rows = 0;
  int columns = 0;
  std::ptrdiff_t stride = 0;
  bool is_transposed = false;

  View transposed() const { return {data, columns, rows, stride, !is_transposed}; }

  /// `count` rows from `first` on, of a matrix that is not transposed.
  View row_block(int first, int count) const { return {data + first * stride, count, columns, stride, false}; }
  /// `count` columns from `first` on, of a matrix that is not transposed.
  View column_block(int first, int count) const { return {data + first, rows, count, stride, false}; }

  /// The numbers of a row, of a matrix that is not transposed.
  const T* row(int i) const { return data + i * stride; }

  const T& operator()(int row, int column) const {
    return is_transposed ? data[column * stride + row] : data[row * stride + column];
  }
};

/// A matrix to write, and whether what is written is added to what is there.
template <class T>
struct Target {
  T* data = nullptr;
  int rows = 0;
  int columns = 0;
  std::ptrdiff_t stride = 0;
  bool accumulate = false;

  T* row(int i) const { return data + i * stride; }

  Target row_block(int first, int count) const { return {data + first * stride, count, columns, stride, accumulate}; }
  Target column_block(int first, int count) const { return {data + first, rows, count, stride, accumulate}; }

  /// `count` numbers from `first` on, as one row, of a matrix without gaps between its rows.
  Target part(std::int64_t first, std::int64_t count) const {
    return {data + first, 1, static_cast<int>(count), static_cast<std::ptrdiff_t>(count), accumulate};
  }

  /// What was written, to read.
  View<T> view() const { return {data, rows, columns, stride, false}; }
};

/// A matrix without gaps between its rows.
template <class T>
View<T> matrix(const T* numbers, int rows, int columns) {
  return {numbers, rows, columns, columns, false};
}

/// The same, or a row, to be written for the first time.
template <class T>
Target<T> new_matrix(T* numbers, int rows, int columns) {
  return {numbers, rows, columns, columns, false};
}
template <class T>
Target<T> new_row(T* numbers, int count) {
  return new_matrix(numbers, 1, count);
}

/// Writes formula(i) to, or adds it to, element i of a contiguous target, for every i.
template <class T, class Formula>
void write_each(Target<T> to, Formula formula) {
  const std::ptrdiff_t size = static_cast<std::ptrdiff_t>(to.rows) * to.columns;
  T* __restrict out = to.data;
  if (to.accumulate) {
    for (std::ptrdiff_t i = 0; i < size; ++i) out[i] += formula(i);
  } else {
    for (std::ptrdiff_t i = 0; i < size; ++i) out[i] = formula(i);
  }
}

}  // namespace qkv
