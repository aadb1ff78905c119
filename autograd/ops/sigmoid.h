#pragma once

#include <cmath>

#include "autograd/tape.h"

namespace qkv {

/// y = 1 / (1 + exp(−x)), element by element. For negative x it is computed as exp(x) / (1 + exp(x)), so that the
/// exponential never overflows.
template <class T>
Var<T> sigmoid(Var<T> x) {
  Var<T> y = Tape<T>::make("sigmoid", x.shape(), {x});
  write_each(assign(y), [a = x.data()](auto i) {
    using std::exp;
    if (a[i] >= T(0)) return T(1) / (T(1) + exp(-a[i]));
    const T e = exp(a[i]);
    return e / (T(1) + e);
  });
  on_backward(y, [=] {
    const T *dy = y.grad().data, *b = y.data();
    if (auto dx = x.sink()) write_each(dx.target(), [=](auto i) { return dy[i] * b[i] * (T(1) - b[i]); });
  });
  return y;
}

}  // namespace qkv
