#pragma once

#include <cmath>
#include <optional>

#include "qkv/autograd/exponential.h"
#include "qkv/autograd/gemm.h"
#include "qkv/autograd/mask.h"
#include "qkv/autograd/ops/dropout.h"

namespace qkv {

/// What attention returns: the values, and the weights to look at.
template <class T>
struct Attended {
  Var<T> output;   ///< [B, queries, C_v]
  Var<T> weights;  ///< [B, heads, queries, keys]; each row sums to 1, or is 0 if the query may look at no key; none
                   ///< of them is dropped yet
};

/// One row b of the batch and one head h of an attention, and the parts of all matrices that belong to them.
struct AttentionHead {
  int heads, queries, keys;
  Mask mask;
  int b = 0, h = 0;

  /// How many keys are not padding, and how many of them, the first ones, this query may look at.
  int length() const { return mask.length(b, keys); }
  int allowed(int query) const { return mask.allowed(b, query, queries, keys); }

  /// [queries, C] of [B · queries, heads · C], and the first `count` of [B · keys, heads · C].
  template <class Matrix>
  Matrix of_queries(Matrix all) const {
    const int width = all.columns / heads;
    return all.row_block(b * queries, queries).column_block(h * width, width);
  }
  template <class Matrix>
  Matrix of_keys(Matrix all, int count) const {
    const int width = all.columns / heads;
    return all.row_block(b * keys, count).column_block(h * width, width);
  }
  /// [queries, keys] of the weights, [B · heads · queries, keys].
  template <class Matrix>
  Matrix of_weights(Matrix all) const {
    return all.row_block((b * heads + h) * queries, queries);
  }
};

/// to = A B, or Aᵀ B, over the pairs of query i and key j < allowed(i): A, the weights or their gradient, is 0 for all
/// other pairs. So it is an ordinary product as long as B is finite; but 0 · NaN is NaN, and what a mask hides is not
/// to be seen.   A: [queries, keys]
template <class T>
void multiply_allowed(View<T> a, View<T> b, Target<T> to, const AttentionHead& head) {
  using std::isfinite;
  bool finite = true;
  if (head.mask.is_causal())
    for (int i = 0; i < b.rows; ++i)
      finite = finite && isfinite(sum_of<T>(b.columns, [row = b.row(i)](int j) { return T(0) * row[j]; }));
  if (finite) return gemm(a, b, to);
  for (int i = 0; i < to.rows; ++i) {
    T* row = to.row(i);
    if (!to.accumulate) std::fill_n(row, to.columns, T(0));
    for (int k = 0; k < a.columns; ++k) {
      const int query = a.is_transposed ? k : i, key = a.is_transposed ? i : k;
      if (key >= head.allowed(query)) continue;
      const T weight = a(i, k);
      for (int j = 0; j < to.columns; ++j) row[j] += weight * b(k, j);
    }
  }
}

/// The rows from `length` on are padding and get no gradient: they become 0 when they are written for the first time.
template <class T>
void clear_padding(Target<T> gradient, int length) {
  if (gradient.accumulate) return;
  for (int i = length; i < gradient.rows; ++i) std::fill_n(gradient.row(i), gradient.columns, T(0));
}

/// Dropout of attention weights: which are dropped, and what the others are multiplied by, 1 / (1 − p).
template <class T>
struct WeightDropout {
  DropoutMask mask;
  T kept_scale;

  /// to = from ⊙ mask / (1 − p) of one head; both may be the same.   [queries, keys that are not padding]
  void operator()(const AttentionHead& head, View<T> from, Target<T> to) const {
    const DropoutMask::Key row = mask.of_row(head.b);
    for (int i = 0; i < to.rows; ++i) {
      const DropoutMask::Key key = DropoutMask::of_query(row, head.h, i);
      for (int j = 0; j < to.columns; ++j) to.row(i)[j] = mask.drops(key, j) ? T(0) : kept_scale * from.row(i)[j];
    }
  }
};

/// P = softmax(scale · Q Kᵀ) of one head, and Y = P V, or with dropout Y = D V with D = P ⊙ mask / (1 − p). All
/// matrices are given whole.
template <class T>
void attend(const AttentionHead& head, T scale, const std::optional<WeightDropout<T>>& drop, View<T> q, View<T> k,
            View<T> v, Target<T> weights, Target<T> output) {
  const int length = head.length();
  const Target<T> p = head.of_weights(weights), scores = p.column_block(0, length);
  gemm(head.of_queries(q), head.of_keys(k, length).transposed(), scores);
  for (int i = 0; i < head.queries; ++i) {
    for (int j = 0; j < length; ++j) p.row(i)[j] *= scale;
    softmax_in_place(p.row(i), head.allowed(i), head.keys);
  }
  if (!drop) return multiply_allowed(scores.view(), head.of_keys(v, length), head.of_queries(output), head);
  const Borrowed<T> memory(std::int64_t{head.queries} * length);
  const Target<T> dropped = new_matrix(memory.data(), head.queries, length);
  (*drop)(head, scores.view(), dropped);
  multiply_allowed(dropped.view(), head.of_keys(v, length), head.of_queries(output), head);
}

/// dS = scale · P ⊙ (dP − Σ P ⊙ dP), row by row, in the place of dP, where P is the softmax of S; `dweights`, what
/// flows into the weights from elsewhere, belongs to dP too, unless it is empty. The sums are over the allowed keys
/// only.
template <class T>
void softmax_backward(const AttentionHead& head, T scale, View<T> p, View<T> dweights, Target<T> ds) {
  for (int i = 0; i < head.queries; ++i) {
    const int seen = head.allowed(i);
    const T* weight = p.row(i);
    T* row = ds.row(i);
    if (dweights.data != nullptr)
      for (int j = 0; j < seen; ++j) row[j] += dweights.row(i)[j];
    const T dot = sum_of<T>(seen, [=](int j) { return weight[j] * row[j]; });
    for (int j = 0; j < seen; ++j) row[j] = scale * weight[j] * (row[j] - dot);
    for (int j = seen; j < ds.columns; ++j) row[j] = T(0);
  }
}

/// softmax(scale · Q Kᵀ) V for every row of the batch and head (Vaswani et al. 2017, eq. 1); the heads are equal parts
/// of the features. The scale is 1/√(C / heads) unless another is given.
/// While the tape is training, each weight is dropped with probability dropout_p, and the others are divided by
/// 1 − dropout_p, before they weigh V, as in torch.nn.MultiheadAttention: the same ones as by dropout(weights,
/// dropout_p). q: [B, queries, C]   k: [B, keys, C]   v: [B, keys, C_v]
template <class T>
Attended<T> attention(Var<T> q, Var<T> k, Var<T> v, Mask mask = Mask::none(), int heads = 1,
                      std::optional<double> scale = {}, double dropout_p = 0) {
  check(q.rank() == 3 && k.rank() == 3 && v.rank() == 3,
        "attention: queries {}, keys {} and values {} must be [batch, length, features]", q.shape(), k.shape(),
        v.shape());
  check(q.last() == k.last(), "attention: keys {} do not fit queries {}: last dimensions {} and {} differ", k.shape(),
        q.shape(), k.last(), q.last());
  check(q.dim(0) == k.dim(0) && k.dim(0) == v.dim(0),
        "attention: queries {}, keys {} and values {} are of different batch sizes", q.shape(), k.shape(), v.shape());
  check(k.dim(1) == v.dim(1), "attention: values {} do not fit keys {}: each key needs one value", v.shape(),
        k.shape());
  check(heads > 0 && q.last() > 0 && q.last() % heads == 0 && v.last() % heads == 0,
        "attention: {} and {} features cannot be divided among {} heads", q.last(), v.last(), heads);
  check(dropout_p >= 0 && dropout_p < 1, "attention: dropout probability {} is not in [0, 1)", dropout_p);
  const int batch = q.dim(0), queries = q.dim(1), keys = k.dim(1);
  mask.check_fits("attention", batch, keys);
  Var<T> output = Tape<T>::make("attention", Shape{batch, queries, v.last()}, {q, k, v});
  Var<T> weights = Tape<T>::make("attention_weights", Shape{batch, heads, queries, keys}, {q, k});
  const T factor(scale.value_or(1 / std::sqrt(static_cast<double>(q.last() / heads))));
  std::optional<WeightDropout<T>> drop;
  if (dropout_p > 0 && Tape<T>::current().draws.training)
    drop = {DropoutMask(Tape<T>::current(), dropout_p), T(1 / (1 - dropout_p))};
  const AttentionHead first{heads, queries, keys, mask.kept_by(Tape<T>::current())};
  const auto for_each_head = [=](auto visit) {
    for (AttentionHead head = first; head.b < batch; ++head.b)
      for (head.h = 0; head.h < heads; ++head.h) visit(head);
  };

  for_each_head([=](const AttentionHead& head) {
    attend(head, factor, drop, q.rows(), k.rows(), v.rows(), open_value(weights), open_value(output));
  });
  on_backward({output, weights}, [=] {
    const View<T> dy = output.grad(), dweights = weights.reached() ? weights.grad() : View<T>{};
    auto dq = q.sink(), dk = k.sink(), dv = v.sink();
    Target<T> to_q{}, to_k{}, to_v{};  // opened in the order of writing: one Var may be query, key and value
    if (dq) to_q = dq.open();
    if (dk) to_k = dk.open();
    if (dv) to_v = dv.open();
    const std::int64_t size = std::int64_t{queries} * keys;
    const Borrowed<T> memory(drop ? 2 * size : size);
    for_each_head([=, numbers = memory.data()](const AttentionHead& head) {
      const int length = head.length();
      const View<T> p = head.of_weights(weights.rows()), dyh = head.of_queries(dy);
      const Target<T> ds = new_matrix(numbers, queries, length);
      gemm(dyh, head.of_keys(v.rows(), length).transposed(), ds);  // dP = dY Vᵀ
      View<T> weighing = p.column_block(0, length);                // what weighed V: P, or with dropout D
      if (drop) {
        const Target<T> dropped = new_matrix(numbers + size, queries, length);
        (*drop)(head, weighing, dropped);
        (*drop)(head, ds.view(), ds);  // dP = dD ⊙ mask / (1 − p)
        weighing = dropped.view();
      }
      softmax_backward(head, factor, p, dweights.data != nullptr ? head.of_weights(dweights) : dweights, ds);
      if (to_q.data != nullptr)  // dQ += dS K
        multiply_allowed(ds.view(), head.of_keys(k.rows(), length), head.of_queries(to_q), head);
      if (to_k.data != nullptr) {  // dK += dSᵀ Q
        multiply_allowed(ds.view().transposed(), head.of_queries(q.rows()), head.of_keys(to_k, length), head);
        clear_padding(head.of_keys(to_k, keys), length);
      }
      if (to_v.data != nullptr) {  // dV += Pᵀ dY
        multiply_allowed(weighing.transposed(), dyh, head.of_keys(to_v, length), head);
        clear_padding(head.of_keys(to_v, keys), length);
      }
    });
  });
  return {output, weights};
}

}  // namespace qkv
