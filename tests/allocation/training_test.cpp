#include <gtest/gtest.h>

#include "qkv/translation/rnn_seq2seq.h"
#include "tests/allocation/heap.h"
#include "tests/translation/steps.h"
#include "tests/translation/toy_training.h"

namespace qkv {
namespace {

/// What training takes from the heap in two passes through the data, from choosing the sentences to the update, once
/// it has been through the data before.
template <class Model, class Config>
HeapCount steady_training(Config config, int pairs, int batch_size, int workers) {
  const std::vector<Pair> data = toy_pairs(pairs, 1);
  const Vocabulary source(data, &Pair::source), target(data, &Pair::target);
  config.source_vocabulary = source.size();
  config.target_vocabulary = target.size();
  config.dropout = 0.1;
  Model model(config);
  model.parameters().initialise(1);
  Steps<typename Model::Scalar> training(model, {.workers = workers});
  Batches batches(EncodedPairs(data, source, target), batch_size, Order::shuffled, 1);
  Batch batch;
  batches.reserve(batch);
  Position position;
  const auto train_until = [&](std::uint64_t epoch) {
    for (; position.epoch < epoch; position = batches.next(position)) {
      batches.fill(position, batch);
      training.differentiate(batch, 0.1);
      training.update(1e-3, 1.0);
    }
  };
  // The batches of an epoch differ in size, and the largest shards come by chance: let the tapes see their like.
  train_until(12);
  start_counting();
  train_until(14);
  return stop_counting();
}

TEST(TrainingAllocation, IsNoneFromFillingTheBatchToTheUpdate) {
  for (const int workers : {1, 2, 3}) {
    const TransformerConfig small = toy_transformer();
    const HeapCount in_float = steady_training<Transformer<float>>(small, 60, 8, workers);
    EXPECT_EQ(in_float.own, 0) << workers;
    EXPECT_EQ(in_float.onednn, 0) << "no product here is large";
    EXPECT_EQ(steady_training<Transformer<double>>(small, 60, 8, workers).own, 0) << workers;
  }
}

TEST(TrainingAllocation, IsNoneWithDropoutInsideAttentionAndFeedForward) {
  TransformerConfig dropping = toy_transformer();
  dropping.attention_dropout = 0.2;
  dropping.activation_dropout = 0.3;
  EXPECT_EQ(steady_training<Transformer<float>>(dropping, 60, 8, 2).own, 0);
}

TEST(TrainingAllocation, IsOnednnsAloneWhereProductsAreLarge) {
  TransformerConfig large = toy_transformer();
  large.d_model = 128;
  large.heads = 4;
  large.layers = 1;
  large.ff = 256;
  const HeapCount count = steady_training<Transformer<float>>(large, 128, 64, 2);
  EXPECT_EQ(count.own, 0);
  RecordProperty("onednn", static_cast<int>(count.onednn));
}

TEST(TrainingAllocation, IsNoneInRecurrentModels) {
  for (const CellKind cell : {CellKind::gru, CellKind::lstm, CellKind::elman})
    for (const Score score : {Score::dot, Score::additive}) {
      const RnnConfig small{.embedding = 8, .hidden = 12, .cell = cell, .attention = score};
      EXPECT_EQ(steady_training<RnnSeq2Seq<float>>(small, 60, 8, 2).own, 0);
    }
}

}  // namespace
}  // namespace qkv
