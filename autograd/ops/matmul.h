#pragma once

#include "qkv/autograd/gemm.h"
#include "qkv/autograd/tape.h"

namespace qkv {

/// C = A B, for every leading index.   a: [..., m, k]   b: [..., k, n]   returns [..., m, n]
template <class T>
Var<T> matmul(Var<T> a, Var<T> b) {
  const int rank = a.rank();
  check(rank >= 2 && b.rank() == rank, "matmul: {} and {} need the same rank, at least 2", a.shape(), b.shape());
  for (int i = 0; i < rank - 2; ++i)
    check(a.dim(i) == b.dim(i), "matmul: leading dimensions of {} and {} differ", a.shape(), b.shape());
  const int m = a.dim(-2), k = a.dim(-1), n = b.dim(-1);
  check(b.dim(-2) == k, "matmul: {} times {}: inner dimensions {} and {} differ{}", a.shape(), b.shape(), k, b.dim(-2),
        n == k ? "; transpose the second?" : "");
  Var<T> c = Tape<T>::make("matmul", a.shape().with_last(n), {a, b});
  int matrices = 1;
  for (int i = 0; i < rank - 2; ++i) matrices *= a.dim(i);
  for (int i = 0; i < matrices; ++i)
    gemm(a.rows().row_block(i * m, m), b.rows().row_block(i * k, k), open_value(c).row_block(i * m, m));
  on_backward(c, [=] {
    const View<T> dc = c.grad();
    if (auto da = a.sink()) {
      const Target<T> to = da.open();
      for (int i = 0; i < matrices; ++i)  // dA += dC Bᵀ
        gemm(dc.row_block(i * m, m), b.rows().row_block(i * k, k).transposed(), to.row_block(i * m, m));
    }
    if (auto db = b.sink()) {
      const Target<T> to = db.open();
      for (int i = 0; i < matrices; ++i)  // dB += Aᵀ dC
        gemm(a.rows().row_block(i * m, m).transposed(), dc.row_block(i * m, m), to.row_block(i * k, k));
    }
  });
  return c;
}

}  // namespace qkv
