#pragma once

#include "qkv/autograd/rows.h"
#include "qkv/autograd/tape.h"

namespace qkv {

/// y = Σᵢ xᵢ over all elements.   returns a scalar
template <class T>
Var<T> sum(Var<T> x) {
  Var<T> y = Tape<T>::make("sum", Shape{}, {x});
  const T* a = x.data();
  assign(y).data[0] = sum_of<T>(static_cast<int>(x.size()), [=](int i) { return a[i]; });
  on_backward(y, [=] {
    const T dy = y.grad().data[0];
    if (auto dx = x.sink()) write_each(dx.target(), [=](auto) { return dy; });  // every dxᵢ += dy
  });
  return y;
}

}  // namespace qkv
