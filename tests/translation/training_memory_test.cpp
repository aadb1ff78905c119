#include "qkv/translation/training_memory.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/files/temporary_folder.h"

namespace qkv {
namespace {

void expect_size_of_the_model(const TrainingConfig& config) {
  const ModelConfig sized = model_for(config, 11, 7);
  const auto model = make_model<float>(sized);
  const ModelSize size = size_of(sized);
  EXPECT_EQ(size.parameters, static_cast<double>(model->parameters().count())) << to_json(config);
  EXPECT_EQ(size.tensors, static_cast<double>(model->parameters().entries().size())) << to_json(config);
}

TEST(ModelSize, IsThatOfTheModelWithoutMakingIt) {
  TrainingConfig config;
  for (const Positions positions : {Positions::sinusoidal, Positions::learned})
    for (const bool tied : {false, true}) {
      config.model = TransformerConfig{
          .d_model = 12, .heads = 3, .layers = 3, .ff = 20, .positions = positions, .tie_embeddings = tied};
      config.max_length = tied ? 10'000 : 10;
      expect_size_of_the_model(config);
    }
  for (const auto& [cell, cell_name] : names_of(CellKind{})) {
    config.model = RnnConfig{.embedding = 5, .hidden = 9, .cell = cell, .attention = {}};
    expect_size_of_the_model(config);
    for (const auto& [score, score_name] : names_of(Score{})) {
      config.model = RnnConfig{.embedding = 5, .hidden = 9, .cell = cell, .attention = score};
      expect_size_of_the_model(config);
    }
  }
}

/// What check_memory says of this model.
std::string refusal(const ModelConfig& model) {
  TrainingConfig config;
  config.model = model;
  return message_of<std::runtime_error>([&] { check_memory(config, 300, 300); });
}

TEST(TrainingMemory, BeyondTheMachinesNamesTheSettingToBlame) {
  EXPECT_NO_THROW(check_memory(TrainingConfig{}, 300, 300));
  const std::string wide = refusal(TransformerConfig{.d_model = 1'000'000});
  EXPECT_NE(wide.find("the model's 24003000001324 parameters"), std::string::npos) << wide;
  EXPECT_NE(wide.find("need 480068.2 GB"), std::string::npos) << wide;
  EXPECT_NE(wide.find("what makes it so large is `d_model` 1000000"), std::string::npos) << wide;
  constexpr int most = std::numeric_limits<int>::max();
  for (const auto& [setting, model] :
       {std::pair<const char*, ModelConfig>("`layers` 2147483647", TransformerConfig{.layers = most}),
        {"`ff` 2147483647", TransformerConfig{.ff = most}},
        {"`d_model` 2147483647", TransformerConfig{.d_model = most}},
        {"`hidden` 2147483647", RnnConfig{.hidden = most, .attention = {}}},
        {"`embedding` 2147483647", RnnConfig{.embedding = most}}}) {
    const std::string message = refusal(model);
    EXPECT_TRUE(message.ends_with(std::string("what makes it so large is ") + setting)) << message;
  }
}

}  // namespace
}  // namespace qkv
