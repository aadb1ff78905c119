#pragma once

#include "qkv/autograd/rows.h"
#include "qkv/autograd/tape.h"

namespace qkv {

/// y[b, i] = x[b, i] + table[first + i]: the same encoding of position i in every row of the batch.
/// x: [B, L, C]   table: [N, C] with N ≥ first + L   returns [B, L, C]
template <class T>
Var<T> add_positions(Var<T> x, Var<T> table, int first = 0) {
  check(x.rank() == 3 && table.rank() == 2 && table.dim(1) == x.last(),
        "add_positions: positions {} do not fit {}: last dimensions {} and {} differ", table.shape(), x.shape(),
        table.last(), x.last());
  check(first >= 0 && first <= table.dim(0) - x.dim(1),
        "add_positions: {} positions from {} on are needed, but there are only {}", x.dim(1), first, table.dim(0));
  Var<T> y = Tape<T>::make("add_positions", x.shape(), {x, table});
  const int batch = x.dim(0);
  const std::int64_t size = std::int64_t{x.dim(1)} * x.last(), offset = std::int64_t{first} * x.last();
  for (int b = 0; b < batch; ++b) {
    const T *from = x.data() + b * size, *position = table.data() + offset;
    T* out = open_value(y).data + b * size;
    for (std::int64_t i = 0; i < size; ++i) out[i] = from[i] + position[i];
  }
  on_backward(y, [=] {
    const T* dy = y.grad().data;
    if (auto dx = x.sink()) write_each(dx.open(), [=](auto i) { return dy[i]; });
    if (auto dtable = table.sink()) {
      T* out = dtable.open_zeroed().data + offset;
      for (int b = 0; b < batch; ++b)
        for (std::int64_t i = 0; i < size; ++i) out[i] += dy[b * size + i];
    }
  });
  return y;
}

}  // namespace qkv
