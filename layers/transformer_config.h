#pragma once

#include "qkv/layers/feed_forward.h"
#include "qkv/layers/positional_encoding.h"

namespace qkv {

/// Where a layer norm stands: after each residual sum as in the paper, or before each sublayer (Xiong et al. 2020).
enum class NormOrder { post, pre };

/// The sizes and choices that make a Transformer.
struct TransformerConfig {
  int source_words = 0;  ///< sizes of the vocabularies
  int target_words = 0;
  int d_model = 64;
  int heads = 4;
  int layers = 2;  ///< in the encoder, and as many in the decoder
  int ff = 256;    ///< width inside the feed-forward networks
  double dropout = 0.0;
  NormOrder norm = NormOrder::post;
  Activation activation = Activation::relu;
  Positions positions = Positions::sinusoidal;
  bool tie_embeddings = false;  ///< the generator's weight is the target embedding's
  int max_positions = 1024;     ///< the longest sentence, `<eos>` included
};

}  // namespace qkv
