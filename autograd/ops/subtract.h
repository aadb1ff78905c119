#pragma once

#include "qkv/autograd/tape.h"

namespace qkv {

/// z = x − y, element by element.   x, y: the same shape
template <class T>
Var<T> subtract(Var<T> x, Var<T> y) {
  check(x.shape() == y.shape(), "subtract: {} and {} differ", x.shape(), y.shape());
  Var<T> z = Tape<T>::make("subtract", x.shape(), {x, y});
  write_each(open_value(z), [a = x.data(), b = y.data()](auto i) { return a[i] - b[i]; });
  on_backward(z, [=] {
    const T* dz = z.grad().data;
    if (auto dx = x.sink()) write_each(dx.open(), [=](auto i) { return dz[i]; });   // dX += dZ
    if (auto dy = y.sink()) write_each(dy.open(), [=](auto i) { return -dz[i]; });  // dY −= dZ
  });
  return z;
}

template <class T>
Var<T> operator-(Var<T> x, Var<T> y) {
  return subtract(x, y);
}

}  // namespace qkv
