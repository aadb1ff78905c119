#include "qkv/translation/training_steps.h"

#include <gtest/gtest.h>

#include "tests/translation/toy_runs.h"

namespace qkv {
namespace {

/// A model on the toy data, and its steps.
struct ToySteps {
  TrainingConfig config;
  std::vector<Pair> pairs = toy_pairs(40, 1);
  Vocabulary source{pairs, &Pair::source}, target{pairs, &Pair::target};
  std::unique_ptr<Seq2Seq<float>> model = make_model<float>(model_for(config, source.size(), target.size()));
  TrainingSteps steps{*model, EncodedPairs(pairs, source, target), config};

  explicit ToySteps(const TrainingConfig& chosen, std::int64_t count = 20) : config(chosen) {
    model->parameters().initialise(1);
    steps.go_on(count);
  }
};

TrainingConfig without_dropout() {
  TrainingConfig config = toy_config();
  transformer_of(config).dropout = 0;
  return config;
}

TEST(TrainingSteps, OfSeveralBatchesAreThoseOfOneLargeBatch) {
  for (const OptimiserKind kind : {OptimiserKind::adam, OptimiserKind::sgd}) {
    TrainingConfig large = without_dropout(), small = without_dropout();
    large.optimizer = small.optimizer = kind;
    large.shuffle = small.shuffle = false;  // in file order the batches of a step are the rows of the large one
    large.batch_size = 12;                  // and begin elsewhere in every epoch
    small.batch_size = 4;
    small.accumulate = 3;
    large.label_smoothing = small.label_smoothing = 0.1;
    ToySteps at_once(large), in_parts(small);
    Position of_large, of_small;
    for (int step = 1; step <= 12; ++step) {
      const TrainingSteps::Step expected = at_once.steps.make(of_large), got = in_parts.steps.make(of_small);
      EXPECT_EQ(got.target_tokens, expected.target_tokens);
      EXPECT_EQ(got.learning_rate, expected.learning_rate);
      EXPECT_NEAR(got.loss, expected.loss, 2e-5) << step;
      EXPECT_NEAR(got.gradient_norm, expected.gradient_norm, 2e-4) << step;
    }
    EXPECT_EQ(of_large.epoch, of_small.epoch);
    EXPECT_EQ(at_once.steps.steps_in(7), in_parts.steps.steps_in(7));
  }
}

TEST(TrainingSteps, GoThroughTheDataInTurn) {
  for (const bool shuffle : {true, false})
    for (const int batch_size : {9, 100})
      for (const int accumulate : {1, 3, 7}) {
        TrainingConfig config = without_dropout();
        config.shuffle = shuffle;
        config.batch_size = batch_size;
        config.accumulate = accumulate;
        ToySteps toy(config);
        Position position;
        std::int64_t tokens = 0;
        EXPECT_TRUE(toy.steps.end_at(position));
        for (std::int64_t step = 1; step <= 12; ++step) {
          const Position before = position;
          tokens += toy.steps.make(position).target_tokens;
          EXPECT_EQ(toy.steps.made(), step);
          EXPECT_TRUE(toy.steps.end_at(position));
          EXPECT_FALSE(toy.steps.end_at(before));
          EXPECT_GE(toy.steps.steps_in(position.epoch + 1), step);
          const std::uint64_t epochs = toy.steps.epochs_in(step);
          EXPECT_GE(toy.steps.steps_in(epochs), step);
          EXPECT_LT(toy.steps.steps_in(epochs - 1), step);
        }
        EXPECT_GT(tokens, 0);
      }
}

TEST(TrainingSteps, DropAnewInEveryBatchOfAStep) {
  TrainingConfig config = toy_config();
  transformer_of(config).dropout = 0.5;
  config.shuffle = false;
  config.batch_size = 40;  // the same sentences again and again
  config.lr = 1e-12;       // and the same parameters
  config.clip = 0;
  ToySteps one(config);
  config.accumulate = 2;
  ToySteps two(config);
  Position of_one, of_two;
  const double first = one.steps.make(of_one).loss, second = one.steps.make(of_one).loss,
               both = two.steps.make(of_two).loss;
  EXPECT_GT(std::abs(first - second), 1e-3);
  EXPECT_NEAR(both, (first + second) / 2, 1e-5);
}

}  // namespace
}  // namespace qkv
