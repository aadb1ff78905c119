#include "qkv/translation/snapshots.h"

#include <nlohmann/json.hpp>
#include <sstream>

#include "qkv/translation/saved_model.h"
#include "qkv/translation/sentence_attention.h"
#include "tests/files/temporary_folder.h"
#include "tests/translation/toy_runs.h"

namespace qkv {
namespace {

std::vector<nlohmann::json> lines_in(const RunFolder& folder) {
  std::vector<nlohmann::json> lines;
  std::istringstream text(read_file(folder.snapshots()));
  for (std::string line; std::getline(text, line);) lines.push_back(nlohmann::json::parse(line));
  return lines;
}

std::vector<std::int64_t> steps_in(const RunFolder& folder) {
  std::vector<std::int64_t> steps;
  for (const nlohmann::json& line : lines_in(folder)) steps.push_back(line["step"].get<std::int64_t>());
  return steps;
}

TEST(Snapshots, AreTakenOftenAtTheStartAndSeldomLater) {
  std::vector<std::int64_t> steps;
  for (std::int64_t step = 0; step <= 7504; ++step)
    if (is_snapshot_step(step)) steps.push_back(step);
  EXPECT_EQ(steps, (std::vector<std::int64_t>{0, 10, 20, 30, 50, 100, 200, 300, 500, 1000, 2000, 3000, 5000}));
}

TEST(Snapshots, ShowAShortAMiddleAndALongSentence) {
  const std::vector<Pair> pairs = toy_pairs(40, 1);
  const auto model = make_model<float>(model_for(toy_config(), 12, 12));
  std::vector<std::size_t> lengths;
  for (const Pair& pair : snapshot_sentences(*model, pairs)) lengths.push_back(pair.source.size());
  EXPECT_EQ(lengths, (std::vector<std::size_t>{3, 5, 6})) << "the pairs have at most six words";
  const Pair pair{Sentence(25, "a"), Sentence(25, "A"), {}};
  EXPECT_TRUE(snapshot_sentences(*model, {pair}).empty()) << "its weights would fill the disk";
  EXPECT_TRUE(snapshot_sentences(*model, {}).empty());
}

TEST(Snapshots, HoldTheWeightsOfTheModelAsItIs) {
  const TemporaryFolder temporary;
  const RunFolder folder{temporary / "run"};
  train_to_the_end(thirty_steps(), toy_data(), folder);
  EXPECT_EQ(steps_in(folder), (std::vector<std::int64_t>{0, 10, 20, 30}));
  TrainedModel first = load_run(folder.path.string());
  first.model->parameters().initialise(first.config.seed);
  const nlohmann::json line = lines_in(folder).front();
  ASSERT_EQ(line["sentences"].size(), 3U);
  for (const nlohmann::json& sentence : line["sentences"]) {
    const std::vector<int> source = first.source.encode_with_eos(sentence["source"].get<Sentence>());
    const std::vector<int> read = first.target.encode_with_bos(sentence["target"].get<Sentence>());
    const auto attentions = attention_of_sentence(*first.model, source, read);
    ASSERT_EQ(sentence["attentions"].size(), attentions.size());
    for (std::size_t i = 0; i < attentions.size(); ++i) {
      const nlohmann::json& got = sentence["attentions"][i];
      const AttentionMap<float>& map = attentions[i].map;
      EXPECT_EQ(got["name"], map.layer);
      EXPECT_EQ(got["kind"], name_of(attentions[i].kind));
      ASSERT_EQ(got["thousandths"].size(), static_cast<std::size_t>(map.heads));
      std::size_t at = 0;
      for (const auto& head : got["thousandths"])
        for (const auto& row : head)
          for (const auto& weight : row) EXPECT_NEAR(weight.get<double>() / 1000, map.weights[at++], 0.00051);
      EXPECT_EQ(at, map.weights.size());
    }
  }
}

TEST(Snapshots, AreTheSameOfATrainingThatWasInterrupted) {
  const TemporaryFolder temporary;
  const RunFolder whole{temporary / "whole"};
  train_to_the_end(thirty_steps(), toy_data(), whole);
  for (const std::int64_t stop_at : {1, 10, 13, 29, 30}) {
    const RunFolder parts{temporary / fmt::format("stopped at {}", stop_at)};
    EXPECT_TRUE(train_until(stop_at, thirty_steps(), toy_data(), parts, RunStart::anew).interrupted);
    train_to_the_end(thirty_steps(), toy_data(), parts, RunStart::resume);
    EXPECT_TRUE(read_file(parts.snapshots()) == read_file(whole.snapshots())) << stop_at;
    expect_same_run(parts, whole);
  }
}

TEST(Snapshots, BehindTheCheckpointAreTakenAgain) {
  const TemporaryFolder temporary;
  const RunFolder whole{temporary / "whole"}, crashed{temporary / "crashed"};
  train_to_the_end(thirty_steps(), toy_data(), whole);
  train_until(13, thirty_steps(), toy_data(), crashed, RunStart::anew);
  write_durably(crashed.snapshots(),
                read_file(crashed.snapshots()) + "{\"step\":20,\"sentences\":[]}\n{\"step\":30,\"se");
  train_to_the_end(thirty_steps(), toy_data(), crashed, RunStart::resume);
  EXPECT_EQ(read_file(crashed.snapshots()), read_file(whole.snapshots()));
}

TEST(Snapshots, EndWithTheLastStep) {
  const TemporaryFolder temporary;
  const RunFolder folder{temporary / "run"};
  TrainingConfig config = thirty_steps();
  config.steps = 25;
  train_to_the_end(config, toy_data(), folder);
  EXPECT_EQ(steps_in(folder), (std::vector<std::int64_t>{0, 10, 20, 25}));
  train_to_the_end(config, toy_data(), folder, RunStart::resume);
  EXPECT_EQ(steps_in(folder), (std::vector<std::int64_t>{0, 10, 20, 25})) << "and not twice";
  config.steps = 0;
  train_to_the_end(config, toy_data(), folder, RunStart::overwrite);
  EXPECT_EQ(steps_in(folder), (std::vector<std::int64_t>{0}));
}

TEST(Snapshots, OfSentencesOfTheTrainingWhereThereAreNoOthers) {
  const TemporaryFolder temporary;
  const RunFolder folder{temporary / "run"};
  TrainingData data;
  data.train = toy_pairs(40, 1);
  TrainingConfig config = thirty_steps();
  config.max_length = 3;  // the model has no positions for longer ones
  train_to_the_end(config, data, folder);
  for (const nlohmann::json& line : lines_in(folder)) EXPECT_EQ(line["sentences"].size(), 3U);
}

TEST(Snapshots, AreNoneOfAModelWithoutAttention) {
  const TemporaryFolder temporary;
  const RunFolder folder{temporary / "run"};
  TrainingConfig config = thirty_steps();
  config.model = RnnConfig{.embedding = 8, .hidden = 12, .attention = std::nullopt};
  train_to_the_end(config, toy_data(), folder);
  EXPECT_FALSE(std::filesystem::exists(folder.snapshots()));
  config.model = RnnConfig{.embedding = 8, .hidden = 12, .attention = Score::dot};
  train_to_the_end(config, toy_data(), folder, RunStart::overwrite);
  EXPECT_EQ(lines_in(folder).front()["sentences"][0]["attentions"][0]["name"], "decoder");
}

}  // namespace
}  // namespace qkv
