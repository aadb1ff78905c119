#pragma once

#include "qkv/autograd/ops/cross_entropy.h"
#include "qkv/datasets/batches.h"
#include "qkv/train/shard.h"
#include "qkv/translation/seq2seq.h"

namespace qkv {

/// All of the batch's sentences.
inline Shard whole(const Batch& batch) { return {0, batch.size, batch.size}; }

/// The sources of a shard of the batch, each with its `<eos>`.
inline Tokens source_of(const Batch& batch, const Shard& shard) {
  return {shard.of(std::span<const int>(batch.source), batch.source_width), shard.count, batch.source_width,
          shard.of(std::span<const int>(batch.source_lengths))};
}

/// Its targets as the model reads them, each with its `<bos>`.
inline Tokens target_of(const Batch& batch, const Shard& shard) {
  return {shard.of(std::span<const int>(batch.target_input), batch.target_width), shard.count, batch.target_width,
          shard.of(std::span<const int>(batch.target_lengths))};
}

/// The shard's part of the batch's loss, the mean cross-entropy per target word, `<eos>` counted: the parts of all
/// shards add up to it.
template <class T>
Var<T> loss_of(const Seq2Seq<T>& model, const Batch& batch, const Shard& shard, double label_smoothing = 0) {
  return cross_entropy(
      model.logits(source_of(batch, shard), target_of(batch, shard)),
      shard.of(std::span<const int>(batch.target_output), batch.target_width),
      {.ignore = pad_id, .smoothing = label_smoothing, .divide_by = static_cast<double>(batch.target_tokens)});
}

}  // namespace qkv
