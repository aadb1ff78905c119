#pragma once

#include "qkv/autograd/ops/scale.h"

namespace qkv {

/// y = x + offset, the same fixed number for every element.
template <class T>
Var<T> shift(Var<T> x, double offset) {
  Var<T> y = Tape<T>::make("shift", x.shape(), {x});
  const T c = static_cast<T>(offset);
  write_each(open_value(y), [=, a = x.data()](auto i) { return a[i] + c; });
  on_backward(y, [=] {
    const T* dy = y.grad().data;
    if (auto dx = x.sink()) write_each(dx.open(), [=](auto i) { return dy[i]; });  // dX += dY
  });
  return y;
}

template <class T>
Var<T> operator+(Var<T> x, double offset) {
  return shift(x, offset);
}
template <class T>
Var<T> operator+(double offset, Var<T> x) {
  return shift(x, offset);
}
template <class T>
Var<T> operator-(Var<T> x, double offset) {
  return shift(x, -offset);
}
template <class T>
Var<T> operator-(double minuend, Var<T> x) {
  return shift(-x, minuend);
}

}  // namespace qkv
