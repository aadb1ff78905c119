#pragma once

#include "autograd/tape.h"

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
  write_each(assign(y), [=, a = x.data()](auto at) {  // y[…, j, i] = x[…, i, j]
    const auto matrix = at / (m * n), j = at / m % n, i = at % m;
    return a[(matrix * m + i) * n + j];
  });
  on_backward(y, [=] {
    const T* dy = y.grad().data;
    if (auto dx = x.sink())
      write_each(dx.target(), [=](auto at) {
        const auto matrix = at / (m * n), i = at / n % m, j = at % n;
        return dy[(matrix * n + j) * m + i];
      });
  });
  return y;
}

}  // namespace qkv
