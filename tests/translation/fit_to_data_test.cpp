#include "qkv/translation/fit_to_data.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace qkv {
namespace {

TrainingConfig fitted(std::size_t pairs, const std::vector<std::string>& given = {}, TrainingConfig config = {}) {
  const Pair five_words{.source = {"a", "b", "c", "d", "e"}, .target = {"x", "y"}, .links = {}};
  fit_to_data(config, given, std::vector<Pair>(pairs, five_words));
  return config;
}

TEST(FitToData, TheToySetIsTrainedAsEver) { EXPECT_EQ(fitted(30'000), TrainingConfig{}); }

TEST(FitToData, ASmallSetIsTrainedForSomeThousandStepsAndLookedAtTwentyTimes) {
  const TrainingConfig config = fitted(60);
  EXPECT_EQ(config.batch_size, 8);
  EXPECT_EQ(config.epochs, 500);  // of 8 steps
  EXPECT_EQ(config.warmup, 400);
  EXPECT_EQ(config.validate_every, 200);
}

TEST(FitToData, AMiddlingSetHasLargeBatchesAndMoreEpochs) {
  const TrainingConfig config = fitted(2'000);
  EXPECT_EQ(config.batch_size, 64);
  EXPECT_EQ(config.epochs, 125);  // of 32 steps
  EXPECT_EQ(config.validate_every, 200);
}

TEST(FitToData, ValidationsAreTwentyAtMost) {
  const TrainingConfig config = fitted(9'000);
  EXPECT_EQ(config.epochs, 29);  // of 141 steps
  EXPECT_EQ(config.validate_every, 205);
}

TEST(FitToData, WhatIsTooLongDoesNotCount) {
  TrainingConfig config;
  config.max_length = 4;
  std::vector<Pair> pairs(2'000, Pair{.source = {"a", "b", "c", "d", "e"}, .target = {"x", "y"}, .links = {}});
  pairs.resize(2'200, Pair{.source = {"a"}, .target = {"x", "y"}, .links = {}});
  fit_to_data(config, {}, pairs);
  EXPECT_EQ(config.batch_size, 8) << "200 are learnt from";
  EXPECT_EQ(config.epochs, 160);
  config.batch_words = 30;  // ten sentences of two words and an end
  fit_to_data(config, {}, pairs);
  EXPECT_EQ(config.epochs, 200);
}

TEST(FitToData, EvenASinglePairGivesSensibleSettings) {
  const TrainingConfig config = fitted(1);
  EXPECT_EQ(config.batch_size, 8);
  EXPECT_EQ(config.epochs, 4'000);
  EXPECT_NO_THROW(check_settings(config));
}

TEST(FitToData, WhatIsGivenStaysAndTheRestFollowsFromIt) {
  TrainingConfig config;
  config.steps = 50;
  config.batch_size = 3;
  EXPECT_EQ(fitted(60, {"steps", "batch_size"}, config).batch_size, 3);
  EXPECT_EQ(fitted(60, {"steps", "batch_size"}, config).warmup, 5) << "a tenth of the steps";
  EXPECT_EQ(fitted(60, {"steps", "batch_size"}, config).validate_every, 0) << "two and a half epochs";
  config.steps.reset();
  config.epochs = 100;
  config.warmup = 1'000;
  const TrainingConfig all = fitted(60, {"epochs", "batch_size", "warmup", "validate_every"}, config);
  EXPECT_EQ(all, config);
}

TEST(FitToData, StochasticGradientDescentHasARateOfItsOwn) {
  TrainingConfig config = default_settings("rnn");
  config.optimizer = OptimiserKind::sgd;
  EXPECT_EQ(fitted(2'000, {"optimizer"}, config).lr, 0.05);
  EXPECT_EQ(fitted(30'000, {"optimizer"}, config).lr, 0.05);
  EXPECT_EQ(fitted(30'000, {"optimizer", "lr"}, config).lr, 0.003);
}

TEST(FitToData, RecurrentModelsDropMoreOfASmallSet) {
  const auto dropout_and_rate = [](std::size_t pairs, const std::vector<std::string>& given = {}) {
    const TrainingConfig config = fitted(pairs, given, default_settings("rnn-attention"));
    return std::pair(std::get<RnnConfig>(config.model).dropout, config.lr);
  };
  EXPECT_EQ(dropout_and_rate(2'000), std::pair(0.2, 0.002));
  EXPECT_EQ(dropout_and_rate(2'000, {"dropout", "lr"}), std::pair(0.0, 0.003));
  EXPECT_EQ(dropout_and_rate(30'000), std::pair(0.0, 0.003));
}

TEST(FitToData, AnInitialModelIsReadyToGoOnAsLongAsTrainingTakes) {
  TrainingConfig config;
  config.steps = 0;
  EXPECT_EQ(fitted(60, {"steps"}, config).warmup, 400);
}

TEST(FitToData, BatchesByWordsAndSeveralAStepMakeAnEpochAsManySteps) {
  TrainingConfig config;
  config.batch_words = 48;  // 8 sentences of five words and an end
  config.accumulate = 2;
  EXPECT_EQ(fitted(160, {"batch_words", "accumulate"}, config).epochs, 400) << "10 steps an epoch";
}

TEST(FitToData, WhatARunWasTrainedWithIsNotChosenAnew) {
  const TrainingConfig config = fitted(60);
  const SettingsFile file = read_settings(to_json(config), "config.json");
  EXPECT_EQ(fitted(100'000, file.named, file.config), config);
}

}  // namespace
}  // namespace qkv
