#pragma once

#include <span>
#include <vector>

#include "qkv/translation/attention_maps.h"
#include "qkv/translation/seq2seq.h"

namespace qkv {

/// What one attention of a model computed for one sentence.
struct SentenceAttention {
  AttentionKind kind;
  int layer = 0;            ///< among those of its kind, from 0
  AttentionMap<float> map;  ///< its name and weights
};

/// All attention of a model for a source, which ends with `<eos>`, and a translation as the decoder reads it, which
/// begins with `<bos>`: the encoder's (self), the decoder's own (causal), then the decoder's over the encoder (cross).
/// Dropout is off; empty for a model without attention. The model must outlive it.
std::vector<SentenceAttention> attention_of_sentence(const Seq2Seq<float>& model, std::span<const int> source,
                                                     std::span<const int> read);

}  // namespace qkv
