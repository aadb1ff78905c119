#pragma once

#include <cmath>

#include "qkv/autograd/tape.h"

namespace qkv {

/// y = log(x), the natural logarithm, element by element: −∞ at 0, not-a-number below.
template <class T>
Var<T> log(Var<T> x) {
  Var<T> y = Tape<T>::make("log", x.shape(), {x});
  write_each(open_value(y), [a = x.data()](auto i) {
    using std::log;
    return log(a[i]);
  });
  on_backward(y, [=] {
    const T *dy = y.grad().data, *a = x.data();
    if (auto dx = x.sink()) write_each(dx.open(), [=](auto i) { return dy[i] / a[i]; });  // log' = 1/x
  });
  return y;
}

}  // namespace qkv
