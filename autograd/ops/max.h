#pragma once

#include "qkv/autograd/detail/axis.h"
#include "qkv/autograd/tape.h"

namespace qkv {

/// y[b, j] = maxₖ x[b, k, j]: the largest entries of one dimension (negative counts from the end), which goes away. If
/// several are the largest, the gradient goes to the first of them; not-a-number stays that.
/// x: [..., n, ...] with n > 0   returns the shape without that dimension
template <class T>
Var<T> max(Var<T> x, int dimension) {
  const Axis axis(x.shape(), dimension);
  check(axis.count > 0, "max: dimension {} of {} has no entries", dimension, x.shape());
  Var<T> y = Tape<T>::make("max", x.shape().without(dimension), {x});
  std::int64_t* const largest = Tape<T>::current().template scratch<std::int64_t>(y.size());
  const T* a = x.data();
  for (std::int64_t i = 0; i < y.size(); ++i) {
    const std::int64_t first = i / axis.after * axis.count * axis.after + i % axis.after;
    std::int64_t best = first;
    for (int k = 1; k < axis.count && a[best] == a[best]; ++k)  // ends at the first not-a-number
      if (const std::int64_t at = first + k * axis.after; !(a[at] <= a[best])) best = at;
    largest[i] = best;
    open_value(y).data[i] = a[best];
  }
  on_backward(y, [=] {
    const T* dy = y.grad().data;
    if (auto dx = x.sink()) {
      T* out = dx.open_zeroed().data;
      for (std::int64_t i = 0; i < y.size(); ++i) out[largest[i]] += dy[i];
    }
  });
  return y;
}

}  // namespace qkv
