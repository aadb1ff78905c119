#pragma once

#include "qkv/autograd/tape.h"

namespace qkv {

/// y = factor · x, with a fixed factor.
template <class T>
Var<T> scale(Var<T> x, double factor) {
  Var<T> y = Tape<T>::make("scale", x.shape(), {x});
  const T c = static_cast<T>(factor);
  write_each(open_value(y), [=, a = x.data()](auto i) { return c * a[i]; });
  on_backward(y, [=] {
    const T* dy = y.grad().data;
    if (auto dx = x.sink()) write_each(dx.open(), [=](auto i) { return c * dy[i]; });  // dX += factor · dY
  });
  return y;
}

template <class T>
Var<T> operator*(double factor, Var<T> x) {
  return scale(x, factor);
}
template <class T>
Var<T> operator*(Var<T> x, double factor) {
  return scale(x, factor);
}
template <class T>
Var<T> operator/(Var<T> x, double divisor) {
  return scale(x, 1 / divisor);
}
template <class T>
Var<T> operator-(Var<T> x) {
  return scale(x, -1);
}

}  // namespace qkv
