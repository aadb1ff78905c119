#pragma once

#include "qkv/layers/feed_forward.h"

namespace qkv {

/// Where a layer norm stands: after each residual sum as in the paper, or before each sublayer (Xiong et al. 2020).
enum class NormOrder { post, pre };
constexpr std::array<Named<NormOrder>, 2> names_of(NormOrder) {
  return {{{NormOrder::post, "post"}, {NormOrder::pre, "pre"}}};
}

/// The sizes and choices that make the stack of layers of a Transformer's encoder or decoder.
struct StackConfig {
  int d_model = 64;  ///< features of each position
  int heads = 4;
  int layers = 2;
  int ff = 256;                     ///< width inside the feed-forward networks
  double dropout = 0.0;             ///< of what is added to each residual sum
  double attention_dropout = 0.0;   ///< of attention weights
  double activation_dropout = 0.0;  ///< between the two layers of the feed-forward networks
  NormOrder norm = NormOrder::post;
  Activation activation = Activation::relu;
};

}  // namespace qkv
