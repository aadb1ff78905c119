#pragma once

#include "qkv/autograd/exponential.h"
#include "qkv/autograd/tape.h"

namespace qkv {

/// y = exp(x), element by element.
template <class T>
Var<T> exp(Var<T> x) {
  Var<T> y = Tape<T>::make("exp", x.shape(), {x});
  exp_shifted(x.data(), T(0), open_value(y).data, static_cast<int>(x.size()));
  on_backward(y, [=] {
    const T *dy = y.grad().data, *b = y.data();
    if (auto dx = x.sink()) write_each(dx.open(), [=](auto i) { return dy[i] * b[i]; });  // exp' = exp
  });
  return y;
}

}  // namespace qkv
