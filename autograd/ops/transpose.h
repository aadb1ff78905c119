#pragma once

#include "qkv/autograd/rows.h"
#include "qkv/autograd/tape.h"

namespace qkv {

/// Exchanges the last two dimensions.   x: [..., m, n]   returns [..., n, m]
template <class T>
Var<T> transpose(Var<T> x) {
  check(x.rank() >= 2, "transpose: {} has fewer than two dimensions", x.shape());
  const int m = x.dim(-2), n = x.dim(-1);
  Shape shape;
  for (int i = 0; i < x.rank() - 2; ++i) shape.push(x.dim(i));
  shape.push(n);
  shape.push(m);
  Var<T> y = Tape<T>::make("transpose", shape, {x});
  const int matrices = m == 0 ? 0 : x.shape().rows() / m;
  for (int k = 0; k < matrices; ++k) write_transposed(x.rows().row_block(k * m, m), open_value(y).row_block(k * n, n));
  on_backward(y, [=] {
    if (auto dx = x.sink()) {
      const Target<T> to = dx.open();
      for (int k = 0; k < matrices; ++k) write_transposed(y.grad().row_block(k * n, n), to.row_block(k * m, m));
    }
  });
  return y;
}

}  // namespace qkv
