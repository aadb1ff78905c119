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
  Tape<T>& tape = Tape<T>::current();
  T* inverse_deviation = tape.template scratch<T>(rows);
  const Target<T> normal = new_matrix(tape.template scratch<T>(x.size()), rows, width);  // (x − mean) / deviation
  for (int i = 0; i < rows; ++i) {
    inverse_deviation[i] = normalise_row(x.rows().row(i), width, eps, normal.row(i));
    scale_and_shift(normal.row(i), weight.data(), bias.data(), width, open_value(y).row(i));
  }
  on_backward(y, [=] { layer_norm_backward(y.grad(), normal.view(), inverse_deviation, {x}, weight, bias); });
  return y;
}

}  // namespace qkv
