#pragma once

#include "qkv/autograd/detail/normalise.h"
#include "qkv/autograd/tape.h"

namespace qkv {

/// y = γ ⊙ (x − mean) / √(variance + eps) + β, over the last dimension; the variance divides by C
/// (Ba, Kiros & Hinton 2016, eq. 3 and 4).   x: [..., C]   weight γ: [C]   bias β: [C]   returns [..., C]
template <class T>
Var<T> layer_norm(Var<T> x, Var<T> weight, Var<T> bias, double eps = 1e-5) {
  check(weight.rank() == 1 && weight.dim(0) == x.last(), "layer_norm: weight {} does not fit the last dimension of {}",
        weight.shape(), x.shape());
  check(bias.shape() == weight.shape(), "layer_norm: bias {} and weight {} differ", bias.shape(), weight.shape());
  Var<T> y = Tape<T>::make("layer_norm", x.shape(), {x, weight, bias});
  const int rows = x.shape().rows(), width = x.last();
  T* inverse_deviation = Tape<T>::current().template scratch<T>(rows);
  T* normal = Tape<T>::current().template scratch<T>(x.size());  // (x − mean) / deviation
  for (int i = 0; i < rows; ++i) {
    const std::int64_t row = std::int64_t{i} * width;
    inverse_deviation[i] = normalise_row(x.data() + row, width, eps, normal + row);
    scale_and_shift(normal + row, weight.data(), bias.data(), width, open_value(y).data + row);
  }
  on_backward(
      y, [=] { layer_norm_backward(y.grad(), matrix(normal, rows, width), inverse_deviation, {x}, weight, bias); });
  return y;
}

}  // namespace qkv
