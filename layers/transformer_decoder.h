#pragma once

#include "qkv/autograd/ops/add.h"
#include "qkv/layers/dropout.h"
#include "qkv/layers/layer_norm.h"
#include "qkv/layers/multi_head_attention.h"
#include "qkv/layers/stack_config.h"

namespace qkv {

/// The cached positions of one decoder layer.
template <class T>
struct DecoderLayerCache {
  KeyValueCache<T> so_far;  ///< keys and values of the positions produced so far
  KeyValueCache<T> memory;  ///< those of the encoder's output
};

/// One layer of the decoder: each position asks those so far, then the encoder's, then thinks for itself.
template <class T>
class DecoderLayer {
 public:
  DecoderLayer(const Path<T>& path, const StackConfig& config)
      : self_attention_(path / "self_attention", config.d_model, config.heads, config.attention_dropout),
        cross_attention_(path / "cross_attention", config.d_model, config.heads, config.attention_dropout),
        feed_forward_(path / "feed_forward", config.d_model, config.ff, config.activation, config.activation_dropout),
        norm1_(path / "norm1", config.d_model),
        norm2_(path / "norm2", config.d_model),
        norm3_(path / "norm3", config.d_model),
        dropout_(config.dropout),
        norm_order_(config.norm) {}

  /// All positions at once, under the causal mask.   x: [B, L, C]   memory: [B, S, C]   returns the shape of x
  Var<T> operator()(Var<T> x, Var<T> memory, Mask causal, Mask memory_padding) const {
    return sublayers(
        x, [=, this](Var<T> queries) { return self_attention_(queries, queries, causal); },
        [=, this](Var<T> queries) { return cross_attention_(queries, memory, memory_padding); });
  }

  /// Puts the encoder's output into a new cache.
  DecoderLayerCache<T> start(Var<T> memory, int capacity) const {
    DecoderLayerCache<T> cache{{memory.dim(0), capacity, memory.last()}, {memory.dim(0), memory.dim(1), memory.last()}};
    cross_attention_.remember(memory, cache.memory);
    return cache;
  }

  /// One more position of each sequence: its query against the cached ones.   x: [B, 1, C]   returns the same shape
  Var<T> next(Var<T> x, DecoderLayerCache<T>& cache, std::span<const int> lengths_so_far,
              std::span<const int> memory_lengths) const {
    return sublayers(
        x,
        [&, this](Var<T> queries) {
          self_attention_.remember(queries, cache.so_far);
          return self_attention_.ask(queries, cache.so_far, lengths_so_far, AttentionKind::causal);
        },
        [&, this](Var<T> queries) {
          return cross_attention_.ask(queries, cache.memory, memory_lengths, AttentionKind::cross);
        });
  }

 private:
  template <class SelfAttention, class CrossAttention>
  Var<T> sublayers(Var<T> x, SelfAttention self_attention, CrossAttention cross_attention) const {
    if (norm_order_ == NormOrder::post) {
      x = norm1_.of_sum(x, dropout_(self_attention(x)));
      x = norm2_.of_sum(x, dropout_(cross_attention(x)));
      return norm3_.of_sum(x, dropout_(feed_forward_(x)));
    }
    x = x + dropout_(self_attention(norm1_(x)));
    x = x + dropout_(cross_attention(norm2_(x)));
    return x + dropout_(feed_forward_(norm3_(x)));
  }

  MultiHeadAttention<T> self_attention_, cross_attention_;
  FeedForward<T> feed_forward_;
  LayerNorm<T> norm1_, norm2_, norm3_;
  Dropout<T> dropout_;
  NormOrder norm_order_;
};

/// The layers of the decoder and a final norm.
template <class T>
class TransformerDecoder {
 public:
  TransformerDecoder(const Path<T>& path, const StackConfig& config) : norm_(path / "norm", config.d_model) {
    for (int i = 0; i < config.layers; ++i) layers_.emplace_back(path / "layers" / i, config);
  }

  /// x: [B, L, C]   memory: [B, S, C]   returns the shape of x
  Var<T> operator()(Var<T> x, Var<T> memory, Mask causal, Mask memory_padding) const {
    for (const DecoderLayer<T>& layer : layers_) x = layer(x, memory, causal, memory_padding);
    return norm_(x);
  }

  std::vector<DecoderLayerCache<T>> start(Var<T> memory, int capacity) const {
    std::vector<DecoderLayerCache<T>> caches;
    for (const DecoderLayer<T>& layer : layers_) caches.push_back(layer.start(memory, capacity));
    return caches;
  }

  Var<T> next(Var<T> x, std::vector<DecoderLayerCache<T>>& caches, std::span<const int> lengths_so_far,
              std::span<const int> memory_lengths) const {
    for (std::size_t i = 0; i < layers_.size(); ++i) x = layers_[i].next(x, caches[i], lengths_so_far, memory_lengths);
    return norm_(x);
  }

 private:
  std::vector<DecoderLayer<T>> layers_;
  LayerNorm<T> norm_;
};

}  // namespace qkv
