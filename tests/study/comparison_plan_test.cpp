#include "qkv/study/compare/comparison_plan.h"

#include <gtest/gtest.h>

namespace qkv {
namespace {

std::string reason(const ComparisonOptions& options, const DataSize& size) {
  try {
    plan_comparison(options, size);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

TEST(ComparisonPlan, MatchesParametersWithinFivePercentAtEverySize) {
  for (const int d_model : {8, 16, 32, 64, 128, 256})
    for (const int layers : {1, 2, 3})
      for (const DataSize& size : {DataSize{30, 20, 300}, DataSize{1200, 350, 30000}, DataSize{8000, 8000, 100000}}) {
        ComparisonOptions options;
        options.d_model = d_model;
        options.layers = layers;
        const std::vector<ComparedModel> models = plan_comparison(options, size);
        ASSERT_EQ(models.size(), 3U);
        for (const ComparedModel& model : models) {
          EXPECT_TRUE(model.matched);
          EXPECT_NEAR(model.parameters / models.front().parameters, 1, 0.05)
              << model.model() << " beside d_model " << d_model << ", layers " << layers;
          // The number of the model itself, not of a formula for it.
          const auto made = make_model<float>(model_for(model.config, size.source_vocabulary, size.target_vocabulary));
          EXPECT_EQ(static_cast<double>(made->parameters().count()), model.parameters);
        }
      }
}

TEST(ComparisonPlan, SharesTheBudgetAndKeepsEachModelsLearningRate) {
  ComparisonOptions options;
  options.data = "data";
  options.epochs = 3;
  options.first_seed = 5;
  const std::vector<ComparedModel> models = plan_comparison(options, {1200, 350, 6400});
  for (const ComparedModel& model : models) {
    EXPECT_EQ(model.config.epochs, 3);
    EXPECT_EQ(model.config.batch_size, 64);
    EXPECT_EQ(model.config.data, "data");
    EXPECT_EQ(model.config.warmup, 30);  // a tenth of the 300 steps
    EXPECT_EQ(model.config.lr, default_settings(model.model()).lr);
  }
  EXPECT_EQ(models[0].config.lr, 2e-3);
  EXPECT_EQ(models[1].config.lr, 3e-3);
  EXPECT_EQ(models[0].run_name(5), "transformer-seed5");
  EXPECT_EQ(seeds_of(options), (std::vector<std::uint64_t>{5, 6, 7}));
}

TEST(ComparisonPlan, RepeatsTheRnnModelsAtEachWidth) {
  ComparisonOptions options;
  options.hidden = {8, 16};
  const std::vector<ComparedModel> models = plan_comparison(options, {1200, 350, 30000});
  ASSERT_EQ(models.size(), 7U);
  for (std::size_t i = 3; i < models.size(); ++i) {
    EXPECT_FALSE(models[i].matched);
    EXPECT_EQ(std::get<RnnConfig>(models[i].config.model).hidden, i < 5 ? 8 : 16);
    EXPECT_EQ(std::get<RnnConfig>(models[i].config.model).embedding, 64);
    EXPECT_EQ(models[i].model(), i % 2 == 1 ? "rnn" : "rnn-attention");
  }
  EXPECT_EQ(models[3].run_name(2), "rnn-hidden8-seed2");
}

TEST(ComparisonPlan, AWidthThatTheMatchedModelHasIsNotTrainedTwice) {
  ComparisonOptions options;
  const std::vector<ComparedModel> matched = plan_comparison(options, {1200, 350, 30000});
  ASSERT_EQ(std::get<RnnConfig>(matched[1].config.model).embedding, 64);
  options.hidden = {matched[1].width};
  const std::vector<ComparedModel> models = plan_comparison(options, {1200, 350, 30000});
  for (std::size_t i = 3; i < models.size(); ++i) EXPECT_NE(models[i].model(), "rnn");
}

TEST(ComparisonPlan, RefusesWhatCannotBePlanned) {
  ComparisonOptions options;
  options.hidden = {8, 8};
  EXPECT_EQ(reason(options, {30, 20, 300}), "`hidden` names 8 twice");
  options.hidden = {};
  options.seeds = 0;
  EXPECT_EQ(reason(options, {30, 20, 300}), "`seeds` 0 is out of range; it must be from 1 to 10");
  options.seeds = 1;
  options.hidden = {1, 2, 3, 4, 5, 6, 7};
  EXPECT_EQ(reason(options, {30, 20, 300}), "`hidden` names 7 widths; it must be at most 6");
}

}  // namespace
}  // namespace qkv
