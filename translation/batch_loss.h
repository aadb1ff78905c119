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

/// The loss of the model's logits for a shard of the batch, of so many target words in all: the mean cross-entropy per
/// word, `<eos>` counted. The parts of all shards, of all batches that hold these words, add up to it.
template <class T>
Var<T> loss_of_logits(Var<T> logits, const Batch& batch, const Shard& shard, double label_smoothing,
                      double target_tokens) {
  return cross_entropy(logits, shard.of(std::span<const int>(batch.target_output), batch.target_width),
                       {.ignore = pad_id, .smoothing = label_smoothing, .divide_by = target_tokens});
}

/// The same with the logits that the model computes.
template <class T>
Var<T> loss_of(const Seq2Seq<T>& model, const Batch& batch, const Shard& shard, double label_smoothing,
               std::int64_t target_tokens) {
  return loss_of_logits(model.logits(source_of(batch, shard), target_of(batch, shard)), batch, shard, label_smoothing,
                        static_cast<double>(target_tokens));
}

/// The same of one batch by itself.
template <class T>
Var<T> loss_of(const Seq2Seq<T>& model, const Batch& batch, const Shard& shard, double label_smoothing = 0) {
  return loss_of(model, batch, shard, label_smoothing, batch.target_tokens);
}

// Every training computes it: compiled in batch_loss.cpp alone, to be quick.
extern template Var<float> loss_of_logits<float>(Var<float>, const Batch&, const Shard&, double, double);

}  // namespace qkv
