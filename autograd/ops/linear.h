#pragma once

#include "qkv/autograd/gemm.h"
#include "qkv/autograd/rows.h"
#include "qkv/autograd/tape.h"

namespace qkv {

/// Throws std::invalid_argument unless x, w and b, if there is one, fit together.
template <class T>
void check_linear(const char* operation, Var<T> x, Var<T> w, Var<T> b) {
  check(w.rank() == 2 && x.last() == w.dim(1), "{}: input {} does not fit weight {}{}", operation, x.shape(), w.shape(),
        w.rank() == 2 && x.last() == w.dim(0) ? ", whose rows are the outputs; is it transposed?" : "");
  check(!b || (b.rank() == 1 && b.dim(0) == w.dim(0)), "{}: bias {} does not fit weight {}", operation,
        b ? b.shape() : Shape(), w.shape());
}

/// y = x Wᵀ + b, where Wᵀ is given as it is to be read; without b, y = x Wᵀ. See linear and linear_transposed.
template <class T>
Var<T> linear_reading(const char* operation, Var<T> x, Var<T> w, Var<T> b, View<T> transposed_w) {
  const Var<T> parents[] = {x, w, b};
  Var<T> y = Tape<T>::make(operation, x.shape().with_last(w.dim(0)), std::span(parents, b ? 3 : 2));
  gemm(x.rows(), transposed_w, open_value(y));
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

/// y = x Wᵀ + b; without b, y = x Wᵀ.   x: [..., in]   w: [out, in]   b: [out]   returns [..., out]
template <class T>
Var<T> linear(Var<T> x, Var<T> w, Var<T> b = {}) {
  check_linear("linear", x, w, b);
  return linear_reading("linear", x, w, b, w.rows().transposed());
}

}  // namespace qkv
