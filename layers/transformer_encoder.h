#pragma once

#include "qkv/autograd/ops/add.h"
#include "qkv/layers/dropout.h"
#include "qkv/layers/layer_norm.h"
#include "qkv/layers/multi_head_attention.h"
#include "qkv/layers/stack_config.h"

namespace qkv {

/// One layer of the encoder: every position asks every position, then each thinks for itself.
template <class T>
class EncoderLayer {
 public:
  EncoderLayer(const Path<T>& path, const StackConfig& config)
      : self_attention_(path / "self_attention", config.d_model, config.heads, config.attention_dropout),
        feed_forward_(path / "feed_forward", config.d_model, config.ff, config.activation, config.activation_dropout),
        norm1_(path / "norm1", config.d_model),
        norm2_(path / "norm2", config.d_model),
        dropout_(config.dropout),
        norm_order_(config.norm) {}

  /// x: [B, L, C]   returns the same shape
  Var<T> operator()(Var<T> x, Mask mask) const {
    if (norm_order_ == NormOrder::post) {
      x = norm1_.of_sum(x, dropout_(self_attention_(x, x, mask)));
      return norm2_.of_sum(x, dropout_(feed_forward_(x)));
    }
    const Var<T> normal = norm1_(x);
    x = x + dropout_(self_attention_(normal, normal, mask));
    return x + dropout_(feed_forward_(norm2_(x)));
  }

 private:
  MultiHeadAttention<T> self_attention_;
  FeedForward<T> feed_forward_;
  LayerNorm<T> norm1_, norm2_;
  Dropout<T> dropout_;
  NormOrder norm_order_;
};

/// The layers of the encoder and a final norm.   x: [B, L, C]   returns the same shape
template <class T>
class TransformerEncoder {
 public:
  TransformerEncoder(const Path<T>& path, const StackConfig& config) : norm_(path / "norm", config.d_model) {
    for (int i = 0; i < config.layers; ++i) layers_.emplace_back(path / "layers" / i, config);
  }

  Var<T> operator()(Var<T> x, Mask mask) const {
    for (const EncoderLayer<T>& layer : layers_) x = layer(x, mask);
    return norm_(x);
  }

 private:
  std::vector<EncoderLayer<T>> layers_;
  LayerNorm<T> norm_;
};

}  // namespace qkv
