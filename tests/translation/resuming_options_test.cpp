// Every option of the loop, stopped and resumed.

#include <gtest/gtest.h>

#include "qkv/train/adam.h"
#include "qkv/translation/saved_model.h"
#include "tests/files/temporary_folder.h"
#include "tests/translation/toy_runs.h"

namespace qkv {
namespace {

/// Whether a training that is stopped at each of these steps, and goes on, is one that was never stopped.
void expect_to_resume_bit_for_bit(const TrainingConfig& config, const std::vector<std::int64_t>& stops) {
  const TemporaryFolder temporary;
  const RunFolder whole{temporary / "whole"}, parts{temporary / "parts"};
  const std::int64_t steps = train_to_the_end(config, toy_data(), whole).steps;
  RunStart start = RunStart::anew;
  for (const std::int64_t stop_at : stops) {
    const TrainingResult stopped = train_until(stop_at, config, toy_data(), parts, start);
    EXPECT_TRUE(stopped.interrupted);
    EXPECT_EQ(stopped.steps, stop_at);
    start = RunStart::resume;
  }
  EXPECT_EQ(train_to_the_end(config, toy_data(), parts, start).steps, steps);
  expect_same_run(parts, whole);
}

TEST(Resuming, ResumesEveryOptimiserBitForBit) {
  for (const auto& [kind, name] : names_of(OptimiserKind{}))
    for (const double momentum : {0.9, 0.0}) {
      SCOPED_TRACE(fmt::format("{} {}", name, momentum));
      TrainingConfig config = thirty_steps();
      config.optimizer = kind;
      config.adam.beta1 = momentum;
      config.adam.weight_decay = 0.01;
      expect_to_resume_bit_for_bit(config, {1, 7, 30});
    }
}

TEST(Resuming, ResumesAccumulatedStepsBitForBit) {
  for (const bool shuffle : {true, false}) {
    TrainingConfig config = thirty_steps();  // with dropout
    config.shuffle = shuffle;
    config.accumulate = 3;  // 5 batches an epoch: steps go from one into the next
    config.validate_every = 4;
    expect_to_resume_bit_for_bit(config, {1, 2, 7, 10});
  }
}

TEST(Resuming, ResumesBatchesOfWordsBitForBit) {
  for (const bool shuffle : {true, false}) {
    TrainingConfig config = thirty_steps();
    config.shuffle = shuffle;
    config.batch_words = 28;
    config.accumulate = shuffle ? 2 : 1;
    expect_to_resume_bit_for_bit(config, {1, 6, 11});
  }
}

TEST(Resuming, ResumesDropoutInsideAttentionAndFeedForwardBitForBit) {
  TrainingConfig config = thirty_steps();
  transformer_of(config).attention_dropout = 0.2;
  transformer_of(config).activation_dropout = 0.3;
  config.accumulate = 2;
  expect_to_resume_bit_for_bit(config, {1, 6, 14});
}

TEST(Resuming, KeepsByLossBitForBit) {
  TrainingConfig config = thirty_steps();
  config.keep = Keep::loss;
  config.patience = 20;
  expect_to_resume_bit_for_bit(config, {4, 15, 30});
}

TEST(Resuming, KeptByAnotherScoreTheBestModelIsComparedByThatOne) {
  const TemporaryFolder temporary;
  const RunFolder folder{temporary / "run"};
  TrainingConfig config = thirty_steps();
  config.lr = 0.02;
  train_until(17, config, toy_data(), folder, RunStart::anew);
  TrainedModel kept = load_run(folder.path.string());
  Adam<float> adam(kept.model->parameters());
  const TrainingState before = load_checkpoint(folder.checkpoint(), *kept.model, adam);
  ASSERT_GE(before.best.bleu, 0);
  config.keep = Keep::loss;
  double best_loss = before.best.loss;
  std::vector<std::string> messages;
  TrainingObserver observer;
  observer.on_message = [&](const std::string& message) { messages.push_back(message); };
  observer.on_validation = [&](const TrainingObserver::Validation& v) {
    EXPECT_EQ(v.is_best, v.evaluation.loss < best_loss) << v.step;
    if (v.is_best) best_loss = v.evaluation.loss;
  };
  const std::atomic<bool> stop = false;
  train(config, toy_data(), folder, RunStart::resume, observer, stop);
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_TRUE(messages[0].starts_with("from now on the best model is the one of the best loss; the one so far has"))
      << messages[0];
  messages.clear();
  train(config, toy_data(), folder, RunStart::resume, observer, stop);
  EXPECT_EQ(messages, std::vector<std::string>{"already at step 30; there is nothing to train up to step 30"})
      << "it is kept by the loss now";
}

}  // namespace
}  // namespace qkv
