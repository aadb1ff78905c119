#pragma once

#include <cmath>

#include "autograd/tape.h"

namespace qkv {

/// y = tanh(x), element by element.
template <class T>
Var<T> tanh(Var<T> x) {
  Var<T> y = Tape<T>::make("tanh", x.shape(), {x});
  write_each(assign(y), [a = x.data()](auto i) {
    using std::tanh;
    return tanh(a[i]);
  });
  on_backward(y, [=] {
    const T *dy = y.grad().data, *b = y.data();
    if (auto dx = x.sink()) write_each(dx.target(), [=](auto i) { return dy[i] * (T(1) - b[i] * b[i]); });
  });
  return y;
}

}  // namespace qkv
