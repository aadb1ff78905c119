#pragma once

#include <cmath>

#include "qkv/autograd/attention_record.h"
#include "qkv/autograd/ops/linear.h"
#include "qkv/autograd/ops/matmul.h"
#include "qkv/autograd/ops/scale.h"
#include "qkv/autograd/ops/softmax.h"
#include "qkv/autograd/ops/transpose.h"
#include "qkv/layers/linear.h"

namespace qkv {

/// Self-attention with one head, in the five steps in which it is explained; what MultiHeadAttention does at once and
/// for many heads.   x: [B, L, C]   returns [B, L, C]
template <class T>
class SelfAttention {
 public:
  /// `scaled`: whether the scores are divided by √C (Vaswani et al. 2017, eq. 1), so that they do not grow with C.
  SelfAttention(const Path<T>& path, int width, bool scaled = true)
      : path_(path.name()),
        query_(path / "query", width, width, Initialise::projection),
        key_(path / "key", width, width, Initialise::projection),
        value_(path / "value", width, width, Initialise::projection),
        factor_(scaled ? 1 / std::sqrt(width) : 1) {}

  /// Every step's result, to look at.
  struct Steps {
    Var<T> queries, keys, values;  ///< [B, L, C]
    Var<T> scores;                 ///< [B, L, L] how well position j answers what position i asks
    Var<T> weights;                ///< [B, L, L] the same as a distribution over j
    Var<T> output;                 ///< [B, L, C]
  };

  Var<T> operator()(Var<T> x, Mask mask = Mask::none()) const { return steps(x, mask).output; }

  Steps steps(Var<T> x, Mask mask = Mask::none()) const {
    const InModule here(path_);
    // 1. Each position has an embedding, x.
    // 2. Each embedding becomes a query, a key and a value.
    const Var<T> queries = query_(x), keys = key_(x), values = value_(x);
    // 3. Each query meets every key: the scores.
    const Var<T> scores = scale(matmul(queries, transpose(keys)), factor_);
    // 4. The softmax turns each position's scores into weights that sum to 1.
    const Var<T> weights = softmax(scores, mask);
    // 5. Each position becomes the sum of all values, by its weights.
    const Var<T> output = matmul(weights, values);
    AttentionRecord<T>{.layer = path_.c_str(),
                       .kind = mask.is_causal() ? AttentionKind::causal : AttentionKind::self,
                       .scale = factor_,
                       .queries = queries,
                       .keys = keys,
                       .values = values,
                       .scores = scores,
                       .weights = weights,
                       .output = output,
                       .key_bias = key_.bias()()}
        .leave();
    return {queries, keys, values, scores, weights, output};
  }

 private:
  std::string path_;
  Linear<T> query_, key_, value_;
  double factor_;
};

}  // namespace qkv
