#pragma once

#include <cmath>
#include <vector>

#include "qkv/autograd/attention_record.h"
#include "qkv/autograd/ops/attention.h"
#include "qkv/layers/key_value_cache.h"
#include "qkv/layers/linear.h"

namespace qkv {

/// Attention by several heads at once (Vaswani et al. 2017, section 3.2.2): queries, keys and values are projected,
/// each head attends with its own part of the features, and what the heads found is projected once more.
/// In self-attention `x` and `memory` are the same positions; in cross-attention the memory is the encoder's output.
/// The projections of queries, keys and values begin as parts of one matrix, so that the first scores are half as large
/// as if each began by itself: attention that begins sharp learns slowly, since the softmax's gradient vanishes there
/// (docs/07-masks-and-heads.md).
template <class T>
class MultiHeadAttention {
 public:
  /// Weights are dropped with this probability while the tape is training; see autograd/ops/attention.h.
  MultiHeadAttention(const Path<T>& path, int width, int heads, double dropout_p = 0)
      : path_(path.name()),
        query_(path / "query", width, width, Initialise::projection),
        key_(path / "key", width, width, Initialise::projection),
        value_(path / "value", width, width, Initialise::projection),
        output_(path / "output", width, width),
        heads_(heads),
        dropout_p_(dropout_p) {
    check(heads > 0 && width % heads == 0, "attention: {} features cannot be divided among {} heads", width, heads);
  }

  /// x: [B, queries, C]   memory: [B, keys, C]   returns [B, queries, C]
  Var<T> operator()(Var<T> x, Var<T> memory, Mask mask) const {
    const Var<T> q = query_(x), k = key_(memory), v = value_(memory);  // in this order with every compiler
    const AttentionKind kind = x.node() != memory.node() ? AttentionKind::cross
                               : mask.is_causal()        ? AttentionKind::causal
                                                         : AttentionKind::self;
    return attend(q, k, v, mask, kind);
  }

  /// Puts the keys and values of these positions into the cache.
  void remember(Var<T> memory, KeyValueCache<T>& cache) const {
    const Var<T> k = key_(memory), v = value_(memory);
    cache.append(k, v);
  }

  /// One query for each sequence against the cached positions, of which sequence b has lengths[b].   x: [B, 1, C]
  Var<T> ask(Var<T> x, const KeyValueCache<T>& cache, std::span<const int> lengths, AttentionKind kind) const {
    return attend(query_(x), cache.keys(), cache.values(), Mask::padding(lengths), kind);
  }

 private:
  Var<T> attend(Var<T> q, Var<T> k, Var<T> v, Mask mask, AttentionKind kind) const {
    const InModule here(path_);
    const double scale = 1 / std::sqrt(static_cast<double>(q.last() / heads_));
    const Attended<T> attended = attention(q, k, v, mask, heads_, scale, dropout_p_);
    AttentionRecord<T>{.layer = path_.c_str(),
                       .kind = kind,
                       .heads = heads_,
                       .scale = scale,
                       .queries = q,
                       .keys = k,
                       .values = v,
                       .weights = attended.weights,
                       .output = attended.output,
                       .key_bias = key_.bias()()}
        .leave();
    return output_(attended.output);
  }

  std::string path_;
  Linear<T> query_, key_, value_, output_;
  int heads_;
  double dropout_p_;
};

}  // namespace qkv
