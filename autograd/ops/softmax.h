#pragma once

#include "qkv/autograd/exponential.h"
#include "qkv/autograd/mask.h"

namespace qkv {

/// y = exp(x) / Σ exp(x) over the last dimension, the keys; keys that the mask forbids get 0, and so do all keys of a
/// query that may look at none.   x: [B, ..., queries, keys]   returns the same shape
template <class T>
Var<T> softmax(Var<T> x, Mask mask = Mask::none()) {
  check(x.rank() >= 1 && x.last() > 0, "softmax: {} has no keys", x.shape());
  check(x.rank() >= 3 || !(mask.is_causal() || mask.has_lengths()),
        "softmax: a mask needs [batch, ..., queries, keys], not {}", x.shape());
  const int keys = x.last(), queries = x.rank() >= 2 ? x.dim(-2) : 1, rows = x.shape().rows();
  const int rows_per_mask = x.rank() >= 3 ? rows / std::max(x.dim(0), 1) : rows;
  mask.check_fits("softmax", x.rank() >= 3 ? x.dim(0) : 1, keys);
  Var<T> y = Tape<T>::make("softmax", x.shape(), {x});
  std::copy(x.data(), x.data() + x.size(), open_value(y).data);
  const auto allowed = [=, kept = mask.kept_by(Tape<T>::current())](int row) {
    return kept.allowed(row / std::max(rows_per_mask, 1), row % queries, queries, keys);
  };
  for (int row = 0; row < rows; ++row) softmax_in_place(open_value(y).row(row), allowed(row), keys);
  on_backward(y, [=] {
    const View<T> dy = y.grad(), p = y.rows();
    if (auto dx = x.sink()) {
      const Target<T> to = dx.open();
      for (int row = 0; row < rows; ++row) {  // dx = y ⊙ (dy − Σ dy y); nothing flows through masked keys
        const T *dyr = dy.row(row), *pr = p.row(row);
        const int seen = allowed(row);
        const T dot = sum_of<T>(seen, [=](int j) { return dyr[j] * pr[j]; });
        write_each(to.row_block(row, 1), [=](auto j) { return j < seen ? pr[j] * (dyr[j] - dot) : T(0); });
      }
    }
  });
  return y;
}

}  // namespace qkv
