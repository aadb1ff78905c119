#pragma once

#include "qkv/autograd/gemm.h"
#include "qkv/autograd/rows.h"
#include "qkv/autograd/tape.h"

namespace qkv {

/// y = max(0, x Wᵀ + b): linear and relu in one, without keeping what lies between.
/// x: [..., in]   w: [out, in]   b: [out]   returns [..., out]
template <class T>
Var<T> linear_relu(Var<T> x, Var<T> w, Var<T> b) {
  check(w.rank() == 2 && x.last() == w.dim(1), "linear_relu: input {} does not fit weight {}", x.shape(), w.shape());
  check(b.rank() == 1 && b.dim(0) == w.dim(0), "linear_relu: bias {} does not fit weight {}", b.shape(), w.shape());
  Var<T> y = Tape<T>::make("linear_relu", x.shape().with_last(w.dim(0)), {x, w, b});
  const Target<T> out = open_value(y);
  gemm(x.rows(), w.rows().transposed(), out);
  for (int i = 0; i < out.rows; ++i) {
    T* row = out.row(i);
    const T* bias = b.data();
    for (int j = 0; j < out.columns; ++j) {
      const T z = row[j] + bias[j];
      row[j] = z <= T(0) ? T(0) : z;  // not-a-number stays that
    }
  }
  on_backward(y, [=] {
    const Borrowed<T> memory(y.size());
    const Target<T> masked = new_matrix(memory.data(), y.shape().rows(), y.last());
    write_each(masked, [dy = y.grad().data, b = y.data()](auto i) { return b[i] <= T(0) ? T(0) : dy[i]; });
    const View<T> dz = masked.view();
    if (auto dx = x.sink()) gemm(dz, w.rows(), dx.open());               // dX += dZ W
    if (auto dw = w.sink()) gemm(dz.transposed(), x.rows(), dw.open());  // dW += dZᵀ X
    if (auto db = b.sink()) sum_rows(dz, db.open());                     // db += Σ rows of dZ
  });
  return y;
}

}  // namespace qkv
