#pragma once

#include "qkv/autograd/tape.h"

namespace qkv {

/// z = x ⊙ y, element by element.   x, y: the same shape
template <class T>
Var<T> multiply(Var<T> x, Var<T> y) {
  check(x.shape() == y.shape(), "multiply: {} and {} differ; for a matrix product use matmul", x.shape(), y.shape());
  Var<T> z = Tape<T>::make("multiply", x.shape(), {x, y});
  write_each(open_value(z), [a = x.data(), b = y.data()](auto i) { return a[i] * b[i]; });
  on_backward(z, [=] {
    const T *dz = z.grad().data, *a = x.data(), *b = y.data();
    if (auto dx = x.sink()) write_each(dx.open(), [=](auto i) { return dz[i] * b[i]; });  // dX += dZ ⊙ Y
    if (auto dy = y.sink()) write_each(dy.open(), [=](auto i) { return dz[i] * a[i]; });  // dY += dZ ⊙ X
  });
  return z;
}

template <class T>
Var<T> operator*(Var<T> x, Var<T> y) {
  return multiply(x, y);
}

}  // namespace qkv
