#pragma once

#include "qkv/autograd/detail/axis.h"
#include "qkv/autograd/rows.h"
#include "qkv/autograd/tape.h"

namespace qkv {

/// y = Σᵢ xᵢ over all elements.   returns a scalar
template <class T>
Var<T> sum(Var<T> x) {
  Var<T> y = Tape<T>::make("sum", Shape{}, {x});
  const T* a = x.data();
  open_value(y).data[0] = sum_of<T>(static_cast<int>(x.size()), [=](int i) { return a[i]; });
  on_backward(y, [=] {
    const T dy = y.grad().data[0];
    if (auto dx = x.sink()) write_each(dx.open(), [=](auto) { return dy; });  // every dxᵢ += dy
  });
  return y;
}

/// y[b, j] = Σₖ x[b, k, j]: the sum over one dimension (negative counts from the end), which goes away.
/// x: [..., n, ...]   returns the shape without that dimension
template <class T>
Var<T> sum(Var<T> x, int dimension) {
  const Axis axis(x.shape(), dimension);
  Var<T> y = Tape<T>::make("sum", x.shape().without(dimension), {x});
  write_each(open_value(y), [=, a = x.data()](auto i) {
    const T* first = a + i / axis.after * axis.count * axis.after + i % axis.after;
    return sum_of<T>(axis.count, [=](int k) { return first[k * axis.after]; });
  });
  on_backward(y, [=] {
    const T* dy = y.grad().data;
    if (auto dx = x.sink())  // every dx[b, k, j] += dy[b, j]
      write_each(dx.open(), [=](auto i) { return dy[i / axis.after / axis.count * axis.after + i % axis.after]; });
  });
  return y;
}

}  // namespace qkv
