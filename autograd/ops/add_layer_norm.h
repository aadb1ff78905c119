#pragma once

#include "qkv/autograd/detail/normalise.h"
#include "qkv/autograd/tape.h"

namespace qkv {

/// y = layer_norm(x + r): a residual connection and the norm after it in one, for post-norm Transformers
/// (Vaswani et al. 2017, section 3.1).   x, r: [..., C]   weight, bias: [C]   returns [..., C]
template <class T>
Var<T> add_layer_norm(Var<T> x, Var<T> r, Var<T> weight, Var<T> bias, double eps = 1e-5) {
  check(x.shape() == r.shape(), "add_layer_norm: {} and {} differ", x.shape(), r.shape());
  check(weight.rank() == 1 && weight.dim(0) == x.last(),
        "add_layer_norm: weight {} does not fit the last dimension of {}", weight.shape(), x.shape());
  check(bias.shape() == weight.shape(), "add_layer_norm: bias {} and weight {} differ", bias.shape(), weight.shape());
  Var<T> y = Tape<T>::make("add_layer_norm", x.shape(), {x, r, weight, bias});
  const int rows = x.shape().rows(), width = x.last();
  Tape<T>& tape = Tape<T>::current();
  T* inverse_deviation = tape.template scratch<T>(rows);
  const Target<T> normal = new_matrix(tape.template scratch<T>(x.size()), rows, width);  // (sum − mean) / deviation
  for (int i = 0; i < rows; ++i) {
    const T *a = x.rows().row(i), *b = r.rows().row(i);
    T* sum = open_value(y).row(i);
    for (int j = 0; j < width; ++j) sum[j] = a[j] + b[j];
    inverse_deviation[i] = normalise_row(sum, width, eps, normal.row(i));
    scale_and_shift(normal.row(i), weight.data(), bias.data(), width, sum);
  }
  on_backward(y, [=] {
    // The sum passes its gradient to both.
    layer_norm_backward(y.grad(), normal.view(), inverse_deviation, {x, r}, weight, bias);
  });
  return y;
}

}  // namespace qkv
