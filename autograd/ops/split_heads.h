#pragma once

#include "qkv/autograd/tape.h"

namespace qkv {

/// Cuts the features into heads and puts the heads before the positions.
/// x: [B, L, heads · C]   returns [B, heads, L, C]
template <class T>
Var<T> split_heads(Var<T> x, int heads) {
  check(x.rank() == 3, "split_heads: {} is not [batch, length, features]", x.shape());
  check(heads > 0 && x.last() % heads == 0, "split_heads: {} features cannot be divided among {} heads", x.last(),
        heads);
  const int length = x.dim(1), width = x.last() / heads;
  Var<T> y = Tape<T>::make("split_heads", Shape{x.dim(0), heads, length, width}, {x});
  write_each(open_value(y), [=, a = x.data()](auto at) {
    const auto feature = at % width, position = at / width % length;
    const auto head = at / width / length % heads, row = at / width / length / heads;
    return a[((row * length + position) * heads + head) * width + feature];
  });
  on_backward(y, [=] {
    const T* dy = y.grad().data;
    if (auto dx = x.sink())
      write_each(dx.open(), [=](auto at) {
        const auto feature = at % width, head = at / width % heads;
        const auto position = at / width / heads % length, row = at / width / heads / length;
        return dy[((row * heads + head) * length + position) * width + feature];
      });
  });
  return y;
}

}  // namespace qkv
