#include "qkv/translation/model_size.h"

#include <gtest/gtest.h>

#include "qkv/translation/model_factory.h"
#include "tests/files/temporary_folder.h"

namespace qkv {
namespace {

void expect_size_of_the_model(const TrainingConfig& config, const std::string& what) {
  const auto model = make_model<float>(config, 11, 7);
  const ModelSize size = size_of_model(config, 11, 7);
  EXPECT_EQ(size.parameters, static_cast<double>(model->parameters().count())) << what;
  EXPECT_EQ(size.tensors, static_cast<double>(model->parameters().entries().size())) << what;
}

TEST(ModelSize, IsThatOfTheModelWithoutMakingIt) {
  TrainingConfig config;
  config.d_model = 12;
  config.heads = 3;
  config.layers = 3;
  config.ff = 20;
  config.embedding = 5;
  config.hidden = 9;
  for (const Positions positions : {Positions::sinusoidal, Positions::learned})
    for (const bool tied : {false, true}) {
      config.positions = positions;
      config.tie_embeddings = tied;
      config.max_length = tied ? 10'000 : 10;
      expect_size_of_the_model(config, tied ? "tied" : "untied");
    }
  for (const ModelKind model : {ModelKind::rnn, ModelKind::rnn_attention})
    for (const CellKind cell : {CellKind::gru, CellKind::lstm, CellKind::elman})
      for (const Score score : {Score::dot, Score::scaled_dot, Score::additive}) {
        config.model = model;
        config.cell = cell;
        config.score = score;
        expect_size_of_the_model(config, choices<ModelKind>()[static_cast<std::size_t>(model)] + " " +
                                             choices<CellKind>()[static_cast<std::size_t>(cell)] + " " +
                                             choices<Score>()[static_cast<std::size_t>(score)]);
      }
}

/// What check_memory says of a model of this kind once a setting has that value.
std::string refusal(ModelKind model, int TrainingConfig::*setting, int value) {
  TrainingConfig config = default_settings(model);
  config.*setting = value;
  return message_of<std::runtime_error>([&] { check_memory(config, 300, 300); });
}

TEST(ModelSize, BeyondTheMachinesMemoryNamesTheSettingToBlame) {
  EXPECT_NO_THROW(check_memory(TrainingConfig{}, 300, 300));
  const std::string wide = refusal(ModelKind::transformer, &TrainingConfig::d_model, 1'000'000);
  EXPECT_NE(wide.find("the model's 24003000001324 parameters"), std::string::npos) << wide;
  EXPECT_NE(wide.find("need 480068.2 GB"), std::string::npos) << wide;
  EXPECT_NE(wide.find("what makes it so large is `d_model` 1000000"), std::string::npos) << wide;
  constexpr int most = std::numeric_limits<int>::max();
  for (const auto& [option, setting, model] :
       {std::tuple("`layers` 2147483647", &TrainingConfig::layers, ModelKind::transformer),
        std::tuple("`ff` 2147483647", &TrainingConfig::ff, ModelKind::transformer),
        std::tuple("`d_model` 2147483647", &TrainingConfig::d_model, ModelKind::transformer),
        std::tuple("`hidden` 2147483647", &TrainingConfig::hidden, ModelKind::rnn),
        std::tuple("`embedding` 2147483647", &TrainingConfig::embedding, ModelKind::rnn_attention)}) {
    const std::string message = refusal(model, setting, most);
    EXPECT_TRUE(message.ends_with(std::string("what makes it so large is ") + option)) << message;
  }
}

}  // namespace
}  // namespace qkv
