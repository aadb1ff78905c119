#pragma once

#include <cmath>
#include <optional>

#include "autograd/exponential.h"
#include "autograd/gemm.h"
#include "autograd/mask.h"

namespace qkv {

/// What attention returns: the values, and the weights to look at.
template <class T>
struct Attended {
  Var<T> output;   ///< [B, queries, C_v]
  Var<T> weights;  ///< [B, heads, queries, keys]; each row sums to 1, or is 0 if the query may look at no key
};

/// softmax(scale · Q Kᵀ) V for every sentence and head (Vaswani et al. 2017, eq. 1); the heads are equal parts of the
/// features. The scale is 1/√(C / heads) unless another is given.
/// q: [B, queries, C]   k: [B, keys, C]   v: [B, keys, C_v]
template <class T>
Attended<T> attention(Var<T> q, Var<T> k, Var<T> v, Mask mask = Mask::none(), int heads = 1,
                      std::optional<double> scale = {}) {
  check(q.rank() == 3 && k.rank() == 3 && v.rank() == 3,
        "attention: queries {}, keys {} and values {} must be [sentences, words, features]", q.shape(), k.shape(),
        v.shape());
  check(q.last() == k.last(), "attention: keys {} do not fit queries {}: last dimensions {} and {} differ", k.shape(),
        q.shape(), k.last(), q.last());
  check(q.dim(0) == k.dim(0) && k.dim(0) == v.dim(0),
        "attention: queries {}, keys {} and values {} are of different numbers of sentences", q.shape(), k.shape(),
        v.shape());
  check(k.dim(1) == v.dim(1), "attention: values {} do not fit keys {}: each key needs one value", v.shape(),
        k.shape());
  check(heads > 0 && q.last() > 0 && q.last() % heads == 0 && v.last() % heads == 0,
        "attention: {} and {} features cannot be divided among {} heads", q.last(), v.last(), heads);
  const int sentences = q.dim(0), queries = q.dim(1), keys = k.dim(1);
  const int width = q.last() / heads, value_width = v.last() / heads;
  mask.check_fits("attention", sentences, keys);
  Tape<T>& tape = Tape<T>::current();
  Var<T> output = Tape<T>::make("attention", Shape{sentences, queries, v.last()}, {q, k, v});
  Var<T> weights = Tape<T>::make("attention_weights", Shape{sentences, heads, queries, keys}, {q, k});
  const T factor(scale.value_or(1 / std::sqrt(static_cast<double>(width))));
  const Mask kept = mask.kept_by(tape);

  // The part of one sentence and head: its words are rows, its features columns.
  const auto part = [](auto rows, int sentence, int length, int words, int head, int columns) {
    return rows.row_block(sentence * length, words).column_block(head * columns, columns);
  };
  for (int b = 0; b < sentences; ++b) {
    const int words = kept.words(b, keys);
    for (int h = 0; h < heads; ++h) {
      const Target<T> p = assign(weights).row_block((b * heads + h) * queries, queries);
      const Target<T> scores = p.column_block(0, words);
      gemm(part(q.rows(), b, queries, queries, h, width), part(k.rows(), b, keys, words, h, width).transposed(),
           scores);
      for (int i = 0; i < queries; ++i) {
        T* row = p.data + i * p.stride;
        for (int j = 0; j < words; ++j) row[j] *= factor;
        softmax_in_place(row, kept.allowed(b, i, queries, keys), keys);
      }
      gemm(View<T>{p.data, queries, words, p.stride, false}, part(v.rows(), b, keys, words, h, value_width),
           part(assign(output), b, queries, queries, h, value_width));
    }
  }

  on_backward({output, weights}, [=] {
    const View<T> dy = output.grad();
    const auto dq = q.sink(), dk = k.sink(), dv = v.sink();
    Target<T> to_q{}, to_k{}, to_v{};  // fetched in the order of writing: one Var may be query, key and value
    if (dq) to_q = dq.target();
    if (dk) to_k = dk.target();
    if (dv) to_v = dv.target();
    const Borrowed<T> memory(std::int64_t{queries} * keys);
    for (int b = 0; b < sentences; ++b) {
      const int words = kept.words(b, keys);
      for (int h = 0; h < heads; ++h) {
        const View<T> p = weights.rows().row_block((b * heads + h) * queries, queries);
        const View<T> pw = p.column_block(0, words);
        const View<T> dyh = part(dy, b, queries, queries, h, value_width);
        const Target<T> ds{memory.data(), queries, words, words, false};
        gemm(dyh, part(v.rows(), b, keys, words, h, value_width).transposed(), ds);  // dP = dY Vᵀ
        for (int i = 0; i < queries; ++i) {  // dS = scale · P ⊙ (dP − Σ P ⊙ dP)
          const T* pr = p.data + i * p.stride;
          T* row = ds.data + i * ds.stride;
          if (weights.reached()) {
            const T* dp = weights.grad().row_block((b * heads + h) * queries + i, 1).data;
            for (int j = 0; j < words; ++j) row[j] += dp[j];
          }
          const T dot = sum_of<T>(words, [=](int j) { return pr[j] * row[j]; });
          for (int j = 0; j < words; ++j) row[j] = factor * pr[j] * (row[j] - dot);
        }
        const View<T> dsv{ds.data, queries, words, words, false};
        if (dq) gemm(dsv, part(k.rows(), b, keys, words, h, width), part(to_q, b, queries, queries, h, width));
        if (dk) {  // dK += dSᵀ Q
          gemm(dsv.transposed(), part(q.rows(), b, queries, queries, h, width), part(to_k, b, keys, words, h, width));
          clear_padding(part(to_k, b, keys, keys, h, width), words);
        }
        if (dv) {  // dV += Pᵀ dY
          gemm(pw.transposed(), dyh, part(to_v, b, keys, words, h, value_width));
          clear_padding(part(to_v, b, keys, keys, h, value_width), words);
        }
      }
    }
  });
  return {output, weights};
}

/// The rows from `words` on are padding and get no gradient: they become 0 when they are written for the first time.
template <class T>
void clear_padding(Target<T> gradient, int words) {
  if (gradient.accumulate) return;
  for (int i = words; i < gradient.rows; ++i) std::fill_n(gradient.data + i * gradient.stride, gradient.columns, T(0));
}

}  // namespace qkv
