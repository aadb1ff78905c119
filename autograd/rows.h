#pragma once

#include <algorithm>

#include "qkv/autograd/view.h"

namespace qkv {

/// Σ formula(i) for i < n, as sixteen interleaved partial sums that the compiler keeps in vector registers. The order
/// of the additions depends on n only, so the result is the same wherever the numbers lie in memory.
template <class T, class Formula>
T sum_of(int n, Formula formula) {
  constexpr int lanes = 16;
  T partial[lanes] = {};
  int i = 0;
  for (; i + lanes <= n; i += lanes)
    for (int lane = 0; lane < lanes; ++lane) partial[lane] += formula(i + lane);
  T rest(0);
  for (; i < n; ++i) rest += formula(i);
  for (int half = lanes / 2; half > 0; half /= 2)
    for (int lane = 0; lane < half; ++lane) partial[lane] += partial[lane + half];
  return partial[0] + rest;
}

/// to += Σ of the rows of x.   x: [rows, C]   to: C numbers
template <class T>
void sum_rows(View<T> x, Target<T> to) {
  T* out = to.data;
  if (!to.accumulate)
    for (int j = 0; j < x.columns; ++j) out[j] = T(0);
  for (int i = 0; i < x.rows; ++i) {
    const T* row = x.row(i);
    for (int j = 0; j < x.columns; ++j) out[j] += row[j];
  }
}

/// to = xᵀ, or to += xᵀ if it accumulates, square by square: what is read and written stays in the fastest memory.
/// x: [m, n] as it lies in memory, not itself transposed   to: [n, m]
template <class T>
void write_transposed(View<T> x, Target<T> to) {
  constexpr int side = 16;
  for (int i0 = 0; i0 < x.rows; i0 += side)
    for (int j0 = 0; j0 < x.columns; j0 += side) {
      const int rows = std::min(side, x.rows - i0), columns = std::min(side, x.columns - j0);
      const T* from = x.data + i0 * x.stride + j0;
      for (int j = 0; j < columns; ++j)
        write_each(to.row_block(j0 + j, 1).column_block(i0, rows), [=](auto i) { return from[i * x.stride + j]; });
    }
}

/// Adds b to every row of y.   y: [rows, C]   b: C numbers
template <class T>
void add_to_rows(Target<T> y, const T* b) {
  for (int i = 0; i < y.rows; ++i) {
    T* row = y.row(i);
    for (int j = 0; j < y.columns; ++j) row[j] += b[j];
  }
}

}  // namespace qkv
