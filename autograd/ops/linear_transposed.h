#pragma once

#include "qkv/autograd/ops/linear.h"

namespace qkv {

/// The same as linear, from a copy of Wᵀ, which products of few rows read faster than W (docs/decisions.md). The copy
/// must hold what W holds now; the gradient goes to W.
/// x: [..., in]   w: [out, in]   b: [out]   transposed_w: [in, out]   returns [..., out]
template <class T>
Var<T> linear_transposed(Var<T> x, Var<T> w, Var<T> b, View<T> transposed_w) {
  check_linear("linear_transposed", x, w, b);
  check(transposed_w.rows == w.dim(1) && transposed_w.columns == w.dim(0),
        "linear_transposed: a transposed copy of [{}, {}] does not fit weight {}", transposed_w.rows,
        transposed_w.columns, w.shape());
  return linear_reading("linear_transposed", x, w, b, transposed_w);
}

/// A copy of Wᵀ on the current tape.   w: [out, in]   returns [in, out]
template <class T>
View<T> transposed_copy(Var<T> w) {
  const Target<T> copy = new_matrix(Tape<T>::current().template scratch<T>(w.size()), w.dim(1), w.dim(0));
  write_transposed(w.rows(), copy);
  return copy.view();
}

}  // namespace qkv
