#pragma once

#include <cmath>
#include <initializer_list>

#include "qkv/autograd/rows.h"
#include "qkv/autograd/tape.h"

namespace qkv {

/// normal = (x − mean) / √(variance + eps) of one row; returns 1 / √(variance + eps). Where the variance overflows all
/// of it is not-a-number, rather than 0, which would look right.
template <class T>
T normalise_row(const T* x, int width, double eps, T* normal) {
  using std::sqrt;
  const T inverse_width = T(1) / T(static_cast<double>(width));
  const T mean = inverse_width * sum_of<T>(width, [=](int j) { return x[j]; });
  const T variance = inverse_width * sum_of<T>(width, [=](int j) { return (x[j] - mean) * (x[j] - mean); });
  const T inverse_deviation = T(1) / sqrt(variance + T(eps)) + T(0) * variance;
  for (int j = 0; j < width; ++j) normal[j] = (x[j] - mean) * inverse_deviation;
  return inverse_deviation;
}

/// y = γ ⊙ normal + β for one row.
template <class T>
void scale_and_shift(const T* normal, const T* weight, const T* bias, int width, T* y) {
  for (int j = 0; j < width; ++j) y[j] = weight[j] * normal[j] + bias[j];
}

/// The backward of normalise_row and scale_and_shift for one row, with g = γ ⊙ dy:
/// dx += (g − mean(g) − normal · mean(g ⊙ normal)) / √(variance + eps).
template <class T>
void normalise_row_backward(const T* dy, const T* normal, const T* weight, const T& inverse_deviation, Target<T> dx) {
  const int width = dx.columns;
  const T inverse_width = T(1) / T(static_cast<double>(width));
  const T mean_g = inverse_width * sum_of<T>(width, [=](int j) { return weight[j] * dy[j]; });
  const T mean_g_normal = inverse_width * sum_of<T>(width, [=](int j) { return weight[j] * dy[j] * normal[j]; });
  write_each(dx, [=](auto j) { return (weight[j] * dy[j] - mean_g - normal[j] * mean_g_normal) * inverse_deviation; });
}

/// to += Σ over rows of a ⊙ b.   a, b: [rows, C]   to: C numbers
template <class T>
void sum_products_of_rows(View<T> a, View<T> b, Target<T> to) {
  T* out = to.data;
  if (!to.accumulate)
    for (int j = 0; j < a.columns; ++j) out[j] = T(0);
  for (int i = 0; i < a.rows; ++i) {
    const T *x = a.row(i), *y = b.row(i);
    for (int j = 0; j < a.columns; ++j) out[j] += x[j] * y[j];
  }
}

/// The backward of all rows. `inputs`: what was added up before, each of which gets the gradient of the sum.
/// dy, normal: [rows, C]   inverse_deviation: [rows]   weight γ, bias β: [C]
template <class T>
void layer_norm_backward(View<T> dy, View<T> normal, const T* inverse_deviation, std::initializer_list<Var<T>> inputs,
                         Var<T> weight, Var<T> bias) {
  Target<T> to[2]{};
  int count = 0;
  for (Var<T> input : inputs)
    if (auto sink = input.sink()) to[count++] = sink.open();
  if (count > 0) {
    const int width = dy.columns;
    const Borrowed<T> memory(width);
    T* dx = memory.data();  // of one row
    for (int i = 0; i < dy.rows; ++i) {
      normalise_row_backward(dy.row(i), normal.row(i), weight.data(), inverse_deviation[i], new_row(dx, width));
      for (int k = 0; k < count; ++k) write_each(to[k].row_block(i, 1), [=](auto j) { return dx[j]; });
    }
  }
  if (auto dweight = weight.sink()) sum_products_of_rows(dy, normal, dweight.open());  // dγ += Σ dY ⊙ normal
  if (auto dbias = bias.sink()) sum_rows(dy, dbias.open());                            // dβ += Σ dY
}

}  // namespace qkv
