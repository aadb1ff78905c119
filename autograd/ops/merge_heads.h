#pragma once

#include "qkv/autograd/tape.h"

namespace qkv {

/// Puts the heads side by side again; undoes split_heads.   x: [B, heads, L, C]   returns [B, L, heads · C]
template <class T>
Var<T> merge_heads(Var<T> x) {
  check(x.rank() == 4, "merge_heads: {} is not [batch, heads, length, features]", x.shape());
  const int heads = x.dim(1), length = x.dim(2), width = x.dim(3);
  Var<T> y = Tape<T>::make("merge_heads", Shape{x.dim(0), length, heads * width}, {x});
  write_each(open_value(y), [=, a = x.data()](auto at) {
    const auto feature = at % width, head = at / width % heads;
    const auto position = at / width / heads % length, row = at / width / heads / length;
    return a[((row * heads + head) * length + position) * width + feature];
  });
  on_backward(y, [=] {
    const T* dy = y.grad().data;
    if (auto dx = x.sink())
      write_each(dx.open(), [=](auto at) {
        const auto feature = at % width, position = at / width % length;
        const auto head = at / width / length % heads, row = at / width / length / heads;
        return dy[((row * length + position) * heads + head) * width + feature];
      });
  });
  return y;
}

}  // namespace qkv
