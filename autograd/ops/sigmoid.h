#pragma once

#include <cmath>

#include "autograd/tape.h"

namespace qkv {

/// σ(x) = 1 / (1 + exp(−x)) of one number. For negative x it is computed as exp(x) / (1 + exp(x)), so that the
/// exponential never overflows.
template <class T>
T sigmoid_of(const T& x) {
  using std::exp;
  if (x >= T(0)) return T(1) / (T(1) + exp(-x));
  const T e = exp(x);
  return e / (T(1) + e);
}

/// y = σ(x), element by element.
template <class T>
Var<T> sigmoid(Var<T> x) {
  Var<T> y = Tape<T>::make("sigmoid", x.shape(), {x});
  write_each(assign(y), [a = x.data()](auto i) { return sigmoid_of(a[i]); });
  on_backward(y, [=] {
    const T *dy = y.grad().data, *b = y.data();
    if (auto dx = x.sink()) write_each(dx.target(), [=](auto i) { return dy[i] * b[i] * (T(1) - b[i]); });
  });
  return y;
}

}  // namespace qkv
