#pragma once

#include <cmath>
#include <optional>

#include "qkv/autograd/exponential.h"
#include "qkv/autograd/gemm.h"
#include "qkv/autograd/mask.h"

namespace qkv {

/// What attention returns: the values, and the weights to look at.
template <class T>
struct Attended {
  Var<T> output;   ///< [B, queries, C_v]
  Var<T> weights;  ///< [B, heads, queries, keys]; each row sums to 1, or is 0 if the query may look at no key
};

/// to = A B, or Aᵀ B, for one row of the batch and head, over the pairs of query i and key j < allowed(i): A, the weights or
/// their gradient, is 0 for all other pairs. So it is an ordinary product as long as B is finite; but 0 · NaN is NaN,
/// and what a mask hides is not to be seen.   A: [queries, keys]
template <class T, class Allowed>
void multiply_allowed(View<T> a, View<T> b, Target<T> to, bool is_causal, const Allowed& allowed) {
  using std::isfinite;
  bool finite = true;
  if (is_causal)
    for (int i = 0; i < b.rows; ++i)
      finite =
          finite && isfinite(sum_of<T>(b.columns, [row = b.row_block(i, 1)](int j) { return T(0) * row.data[j]; }));
  if (finite) return gemm(a, b, to);
  for (int i = 0; i < to.rows; ++i) {
    T* row = to.row_block(i, 1).data;
    if (!to.accumulate) std::fill_n(row, to.columns, T(0));
    for (int k = 0; k < a.columns; ++k) {
      const int query = a.is_transposed ? k : i, key = a.is_transposed ? i : k;
      if (key >= allowed(query)) continue;
      const T weight = a(i, k);
      for (int j = 0; j < to.columns; ++j) row[j] += weight * b(k, j);
    }
  }
}

/// The rows from `length` on are padding and get no gradient: they become 0 when they are written for the first time.
template <class T>
void clear_padding(Target<T> gradient, int length) {
  if (gradient.accumulate) return;
  for (int i = length; i < gradient.rows; ++i) std::fill_n(gradient.data + i * gradient.stride, gradient.columns, T(0));
}

/// softmax(scale · Q Kᵀ) V for every row of the batch and head (Vaswani et al. 2017, eq. 1); the heads are equal parts of the
/// features. The scale is 1/√(C / heads) unless another is given.
/// q: [B, queries, C]   k: [B, keys, C]   v: [B, keys, C_v]
template <class T>
Attended<T> attention(Var<T> q, Var<T> k, Var<T> v, Mask mask = Mask::none(), int heads = 1,
                      std::optional<double> scale = {}) {
  check(q.rank() == 3 && k.rank() == 3 && v.rank() == 3,
        "attention: queries {}, keys {} and values {} must be [batch, length, features]", q.shape(), k.shape(),
        v.shape());
  check(q.last() == k.last(), "attention: keys {} do not fit queries {}: last dimensions {} and {} differ", k.shape(),
        q.shape(), k.last(), q.last());
  check(q.dim(0) == k.dim(0) && k.dim(0) == v.dim(0),
        "attention: queries {}, keys {} and values {} are of different batch sizes", q.shape(), k.shape(),
        v.shape());
  check(k.dim(1) == v.dim(1), "attention: values {} do not fit keys {}: each key needs one value", v.shape(),
        k.shape());
  check(heads > 0 && q.last() > 0 && q.last() % heads == 0 && v.last() % heads == 0,
        "attention: {} and {} features cannot be divided among {} heads", q.last(), v.last(), heads);
  const int batch = q.dim(0), queries = q.dim(1), keys = k.dim(1);
  const int width = q.last() / heads, value_width = v.last() / heads;
  mask.check_fits("attention", batch, keys);
  Tape<T>& tape = Tape<T>::current();
  Var<T> output = Tape<T>::make("attention", Shape{batch, queries, v.last()}, {q, k, v});
  Var<T> weights = Tape<T>::make("attention_weights", Shape{batch, heads, queries, keys}, {q, k});
  const T factor(scale.value_or(1 / std::sqrt(static_cast<double>(width))));
  const Mask kept = mask.kept_by(tape);

  // The part of one row of the batch and head: its positions are rows, its features columns.
  const auto part = [](auto rows, int b, int rows_each, int count, int head, int columns) {
    return rows.row_block(b * rows_each, count).column_block(head * columns, columns);
  };
  for (int b = 0; b < batch; ++b) {
    const int length = kept.length(b, keys);
    const auto allowed = [=](int query) { return kept.allowed(b, query, queries, keys); };
    for (int h = 0; h < heads; ++h) {
      const Target<T> p = open_value(weights).row_block((b * heads + h) * queries, queries);
      const Target<T> scores = p.column_block(0, length);
      gemm(part(q.rows(), b, queries, queries, h, width), part(k.rows(), b, keys, length, h, width).transposed(),
           scores);
      for (int i = 0; i < queries; ++i) {
        T* row = p.data + i * p.stride;
        for (int j = 0; j < length; ++j) row[j] *= factor;
        softmax_in_place(row, allowed(i), keys);
      }
      multiply_allowed({p.data, queries, length, p.stride, false}, part(v.rows(), b, keys, length, h, value_width),
                       part(open_value(output), b, queries, queries, h, value_width), kept.is_causal(), allowed);
    }
  }

  on_backward({output, weights}, [=] {
    const View<T> dy = output.grad();
    auto dq = q.sink(), dk = k.sink(), dv = v.sink();
    Target<T> to_q{}, to_k{}, to_v{};  // fetched in the order of writing: one Var may be query, key and value
    if (dq) to_q = dq.open();
    if (dk) to_k = dk.open();
    if (dv) to_v = dv.open();
    const Borrowed<T> memory(std::int64_t{queries} * keys);
    for (int b = 0; b < batch; ++b) {
      const int length = kept.length(b, keys);
      const auto allowed = [=](int query) { return kept.allowed(b, query, queries, keys); };
      for (int h = 0; h < heads; ++h) {
        const View<T> p = weights.rows().row_block((b * heads + h) * queries, queries);
        const View<T> pw = p.column_block(0, length);
        const View<T> dyh = part(dy, b, queries, queries, h, value_width);
        const Target<T> ds{memory.data(), queries, length, length, false};
        gemm(dyh, part(v.rows(), b, keys, length, h, value_width).transposed(), ds);  // dP = dY Vᵀ
        for (int i = 0; i < queries; ++i) {  // dS = scale · P ⊙ (dP − Σ P ⊙ dP)
          const T* pr = p.data + i * p.stride;
          T* row = ds.data + i * ds.stride;
          const int seen = allowed(i);
          if (weights.reached()) {
            const T* dp = weights.grad().row_block((b * heads + h) * queries + i, 1).data;
            for (int j = 0; j < seen; ++j) row[j] += dp[j];
          }
          const T dot = sum_of<T>(seen, [=](int j) { return pr[j] * row[j]; });
          for (int j = 0; j < seen; ++j) row[j] = factor * pr[j] * (row[j] - dot);
          for (int j = seen; j < length; ++j) row[j] = T(0);
        }
        const View<T> dsv{ds.data, queries, length, length, false};
        if (dq)  // dQ += dS K
          multiply_allowed(dsv, part(k.rows(), b, keys, length, h, width), part(to_q, b, queries, queries, h, width),
                           kept.is_causal(), allowed);
        if (dk) {  // dK += dSᵀ Q
          multiply_allowed(dsv.transposed(), part(q.rows(), b, queries, queries, h, width),
                           part(to_k, b, keys, length, h, width), kept.is_causal(), allowed);
          clear_padding(part(to_k, b, keys, keys, h, width), length);
        }
        if (dv) {  // dV += Pᵀ dY
          multiply_allowed(pw.transposed(), dyh, part(to_v, b, keys, length, h, value_width), kept.is_causal(), allowed);
          clear_padding(part(to_v, b, keys, keys, h, value_width), length);
        }
      }
    }
  });
  return {output, weights};
}

}  // namespace qkv
