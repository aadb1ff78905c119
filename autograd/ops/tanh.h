#pragma once

#include "qkv/autograd/exponential.h"
#include "qkv/autograd/tape.h"

namespace qkv {

/// y = tanh(x), element by element.
template <class T>
Var<T> tanh(Var<T> x) {
  Var<T> y = Tape<T>::make("tanh", x.shape(), {x});
  std::copy_n(x.data(), x.size(), open_value(y).data);
  tanh_in_place(open_value(y).data, static_cast<int>(x.size()));
  on_backward(y, [=] {
    const T *dy = y.grad().data, *b = y.data();
    if (auto dx = x.sink()) write_each(dx.open(), [=](auto i) { return dy[i] * (T(1) - b[i] * b[i]); });
  });
  return y;
}

}  // namespace qkv
