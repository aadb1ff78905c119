#pragma once

#include "autograd/tape.h"

namespace qkv {

/// A copy of `count` entries from `first` on, along one dimension (negative counts from the end).
/// x: [..., n, ...]   returns [..., count, ...]
template <class T>
Var<T> slice(Var<T> x, int dimension, int first, int count) {
  const int n = x.dim(dimension);
  check(first >= 0 && count >= 0 && first <= n - count, "slice: {} entries from {} on reach outside dimension {} of {}",
        count, first, dimension, x.shape());
  const int axis = dimension < 0 ? dimension + x.rank() : dimension;
  Shape shape;
  std::int64_t inner = 1;  // how many numbers one entry of the dimension holds
  for (int i = 0; i < x.rank(); ++i) {
    shape.push(i == axis ? count : x.dim(i));
    if (i > axis) inner *= x.dim(i);
  }
  Var<T> y = Tape<T>::make("slice", shape, {x});
  const std::int64_t from = n * inner, offset = first * inner, to = count * inner;
  write_each(assign(y), [=, a = x.data()](auto i) { return a[i / to * from + offset + i % to]; });
  on_backward(y, [=] {
    const View<T> dy = y.grad();
    if (auto dx = x.sink_zeroed()) {
      T* out = dx.target().data;
      for (std::int64_t i = 0; i < y.size(); ++i) out[i / to * from + offset + i % to] += dy.data[i];
    }
  });
  return y;
}

}  // namespace qkv
