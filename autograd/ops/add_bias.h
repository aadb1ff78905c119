#pragma once

#include "qkv/autograd/rows.h"
#include "qkv/autograd/tape.h"

namespace qkv {

/// y = x + b, the same b for every row.   x: [..., C]   b: [C]   returns [..., C]
template <class T>
Var<T> add_bias(Var<T> x, Var<T> b) {
  check(b.rank() == 1 && b.dim(0) == x.last(), "add_bias: bias {} does not fit the last dimension of {}", b.shape(),
        x.shape());
  Var<T> y = Tape<T>::make("add_bias", x.shape(), {x, b});
  std::copy(x.data(), x.data() + x.size(), open_value(y).data);
  add_to_rows(open_value(y), b.data());
  on_backward(y, [=] {
    const View<T> dy = y.grad();
    if (auto dx = x.sink()) write_each(dx.open(), [=](auto i) { return dy.data[i]; });  // dX += dY
    if (auto db = b.sink()) sum_rows(dy, db.open());                                    // db += Σ rows of dY
  });
  return y;
}

}  // namespace qkv
