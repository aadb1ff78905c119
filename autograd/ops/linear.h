#pragma once

#include "qkv/autograd/gemm.h"
#include "qkv/autograd/rows.h"
#include "qkv/autograd/tape.h"

namespace qkv {

/// y = x Wᵀ + b; without b, y = x Wᵀ.   x: [..., in]   w: [out, in]   b: [out]   returns [..., out]
/// transposed: [in, out], where there is a copy of Wᵀ; products of few rows read it faster than W. It must hold what W
/// holds now; the gradient goes to W.
template <class T>
Var<T> linear(Var<T> x, Var<T> w, Var<T> b = {}, View<T> transposed = {}) {
  check(w.rank() == 2 && x.last() == w.dim(1), "linear: input {} does not fit weight {}{}", x.shape(), w.shape(),
        w.rank() == 2 && x.last() == w.dim(0) ? ", whose rows are the outputs; is it transposed?" : "");
  check(!b || (b.rank() == 1 && b.dim(0) == w.dim(0)), "linear: bias {} does not fit weight {}",
        b ? b.shape() : Shape(), w.shape());
  check(transposed.data == nullptr || (transposed.rows == w.dim(1) && transposed.columns == w.dim(0)),
        "linear: a transposed copy of [{}, {}] does not fit weight {}", transposed.rows, transposed.columns, w.shape());
  const Var<T> parents[] = {x, w, b};
  Var<T> y = Tape<T>::make("linear", x.shape().with_last(w.dim(0)), std::span(parents, b ? 3 : 2));
  gemm(x.rows(), transposed.data != nullptr ? transposed : w.rows().transposed(), open_value(y));
  if (b) add_to_rows(open_value(y), b.data());
  on_backward(y, [=] {
    const View<T> dy = y.grad();
    if (auto dx = x.sink()) gemm(dy, w.rows(), dx.open());               // dX += dY W
    if (auto dw = w.sink()) gemm(dy.transposed(), x.rows(), dw.open());  // dW += dYᵀ X
    if (!b) return;
    if (auto db = b.sink()) sum_rows(dy, db.open());  // db += Σ rows of dY
  });
  return y;
}

}  // namespace qkv
