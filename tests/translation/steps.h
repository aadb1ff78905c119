#pragma once

#include "qkv/train/adam.h"
#include "qkv/train/learner.h"
#include "qkv/translation/batch_loss.h"

namespace qkv {

/// The steps of a training on batches of sentence pairs, as the trainer makes them.
template <class T>
struct Steps {
  Seq2Seq<T>& model;
  Learner<T> learner;
  Adam<T> adam;

  Steps(Seq2Seq<T>& trained, const LearnerOptions& learning, const AdamOptions& options = {})
      : model(trained), learner(trained.parameters(), learning), adam(trained.parameters(), options) {}

  double differentiate(const Batch& batch, double label_smoothing = 0) {
    return learner.differentiate_sum(batch.size,
                                     [&](const Shard& shard) { return loss_of(model, batch, shard, label_smoothing); });
  }

  void update(double learning_rate, double clip) {
    learner.clip(clip);
    adam.step(learner.gradient(), learning_rate);
  }

  std::span<const T> gradient() { return learner.gradient().numbers; }
  std::span<const T> moment(std::size_t i) const { return adam.memory()[i].block.span(); }
};

}  // namespace qkv
