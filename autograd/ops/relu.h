#pragma once

#include "qkv/autograd/tape.h"

namespace qkv {

/// y = max(0, x), element by element. Its slope at 0 is taken as 0. Not-a-number stays that.
template <class T>
Var<T> relu(Var<T> x) {
  Var<T> y = Tape<T>::make("relu", x.shape(), {x});
  write_each(open_value(y), [a = x.data()](auto i) { return a[i] <= T(0) ? T(0) : a[i]; });
  on_backward(y, [=] {
    const T *dy = y.grad().data, *a = x.data();
    if (auto dx = x.sink()) write_each(dx.open(), [=](auto i) { return a[i] <= T(0) ? T(0) : dy[i]; });
  });
  return y;
}

}  // namespace qkv
