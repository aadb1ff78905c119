#pragma once

#include "qkv/autograd/detail/axis.h"
#include "qkv/autograd/tape.h"

namespace qkv {

/// A copy of `count` entries from `first` on, along one dimension (negative counts from the end).
/// x: [..., n, ...]   returns [..., count, ...]
template <class T>
Var<T> slice(Var<T> x, int dimension, int first, int count) {
  const int n = x.dim(dimension);
  check(first >= 0 && count >= 0 && first <= n - count, "slice: {} entries from {} on reach outside dimension {} of {}",
        count, first, dimension, x.shape());
  Var<T> y = Tape<T>::make("slice", x.shape().with(dimension, count), {x});
  // Seen as rows that hold all entries of the dimension, the slice is a block of columns.
  const Axis axis(x.shape(), dimension);
  const std::int64_t rows = axis.before, from = n * axis.after, offset = first * axis.after, to = count * axis.after;
  for (std::int64_t r = 0; r < rows; ++r) std::copy_n(x.data() + r * from + offset, to, open_value(y).data + r * to);
  on_backward(y, [=] {
    const T* dy = y.grad().data;
    if (auto dx = x.sink()) {
      T* out = dx.open_zeroed().data + offset;
      for (std::int64_t r = 0; r < rows; ++r)
        for (std::int64_t i = 0; i < to; ++i) out[r * from + i] += dy[r * to + i];
    }
  });
  return y;
}

}  // namespace qkv
