#pragma once

#include "qkv/autograd/exponential.h"
#include "qkv/autograd/tape.h"

namespace qkv {

/// The additive score of every query with every key, e · tanh(q + k) (Bahdanau, Cho & Bengio 2015, appendix A.1.2),
/// where queries and keys have been projected to the same width.
/// q: [B, queries, A]   k: [B, keys, A]   e: [A]   returns [B, queries, keys]
template <class T>
Var<T> additive_scores(Var<T> q, Var<T> k, Var<T> e) {
  check(q.rank() == 3 && k.rank() == 3 && q.dim(0) == k.dim(0) && q.last() == k.last(),
        "additive_scores: keys {} do not fit queries {}", k.shape(), q.shape());
  check(e.rank() == 1 && e.dim(0) == q.last(), "additive_scores: energy {} does not fit queries {}", e.shape(),
        q.shape());
  const int batch = q.dim(0), queries = q.dim(1), keys = k.dim(1), width = q.last();
  Var<T> scores = Tape<T>::make("additive_scores", Shape{batch, queries, keys}, {q, k, e});
  T* activations = Tape<T>::current().template scratch<T>(scores.size() * width);
  for (std::int64_t at = 0; at < scores.size(); ++at) {
    const std::int64_t query = at / keys, key = query / queries * keys + at % keys;
    const T *qr = q.data() + query * width, *kr = k.data() + key * width;
    T* a = activations + at * width;
    for (int j = 0; j < width; ++j) a[j] = qr[j] + kr[j];
    tanh_in_place(a, width);
    open_value(scores).data[at] = sum_of<T>(width, [=, w = e.data()](int j) { return w[j] * a[j]; });
  }
  on_backward(scores, [=] {
    const T* ds = scores.grad().data;
    auto dq = q.sink(), dk = k.sink(), de = e.sink();
    T* const to_q = dq ? dq.open_zeroed().data : nullptr;
    T* const to_k = dk ? dk.open_zeroed().data : nullptr;
    T* const to_e = de ? de.open_zeroed().data : nullptr;
    for (std::int64_t at = 0; at < scores.size(); ++at) {
      const std::int64_t query = at / keys, key = query / queries * keys + at % keys;
      const T* a = activations + at * width;
      for (int j = 0; j < width; ++j) {
        const T dsum = ds[at] * e.data()[j] * (T(1) - a[j] * a[j]);  // d(q + k), through tanh' = 1 − a²
        if (to_q) to_q[query * width + j] += dsum;
        if (to_k) to_k[key * width + j] += dsum;
        if (to_e) to_e[j] += ds[at] * a[j];
      }
    }
  });
  return scores;
}

}  // namespace qkv
