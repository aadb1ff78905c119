#pragma once

#include "qkv/autograd/tape.h"

namespace qkv {

/// y[i] = factor · table[ids[i]]: one row of the table for every id.
/// table: [N, C]   ids: one for each element of `positions`, as [B, L]   returns [B, L, C]
/// Throws std::invalid_argument for an id outside 0 … N − 1.
template <class T>
Var<T> embedding(Var<T> table, std::span<const int> ids, const Shape& positions, double factor = 1.0) {
  check(table.rank() == 2, "embedding: the table {} is not [rows, features]", table.shape());
  check(positions.size() == static_cast<std::int64_t>(ids.size()), "embedding: {} ids do not fit positions {}",
        ids.size(), positions);
  const int rows = table.dim(0), width = table.dim(1);
  for (std::size_t i = 0; i < ids.size(); ++i)
    check(
        ids[i] >= 0 && ids[i] < rows,
        "embedding: id {} at element {} of {} is not within 0 and {}, the rows of the table {}; is it another table's?",
        ids[i], i, positions, rows - 1, table.shape());
  Shape shape = positions;
  shape.push(width);
  Var<T> y = Tape<T>::make("embedding", shape, {table});
  const T c = static_cast<T>(factor);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const T* row = table.rows().row(ids[i]);
    T* out = open_value(y).row(i);
    for (int j = 0; j < width; ++j) out[j] = c * row[j];
  }
  const int* kept = Tape<T>::current().keep(ids.data(), ids.size());
  const std::size_t count = ids.size();
  on_backward(y, [=] {
    const View<T> dy = y.grad();
    if (auto dtable = table.sink()) {
      const Target<T> to = dtable.open_zeroed();
      for (std::size_t i = 0; i < count; ++i) {  // an id that occurs twice collects both gradients
        T* row = to.row(kept[i]);
        const T* from = dy.row(i);
        for (int j = 0; j < width; ++j) row[j] += c * from[j];
      }
    }
  });
  return y;
}

}  // namespace qkv
