// The settings of qkv train: as options, in a file of --config, and what of them does not fit.
#include <filesystem>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "tests/cli/runs.h"
#include "tests/cli/small_data.h"

namespace qkv {
namespace {

struct TrainSettings : testing::Test {
  TrainSettings() { write_small_data(qkv); }

  Program qkv;
};

TEST_F(TrainSettings, OptionsOutOfRangeAreNamed) {
  for (const Arguments& option : std::vector<Arguments>{
           {"--heads", "3"},     {"--d-model", "0"},      {"--layers", "-1"},      {"--dropout", "1"},
           {"--dropout", "nan"}, {"--lr", "0"},           {"--lr", "nan"},         {"--clip", "-1"},
           {"--clip", "inf"},    {"--beta1", "1"},        {"--workers", "0"},      {"--batch-size", "0"},
           {"--epochs", "0"},    {"--steps", "-1"},       {"--seed", "-1"},        {"--min-frequency", "0"},
           {"--norm", "both"},   {"--schedule", "magic"}, {"--model", "gpt"},      {"--epochs", "99999999999"},
           {"--layers", "two"},  {"--max-length", "0"},   {"--patience", "-1"},    {"--label-smoothing", "1"},
           {"--warmup", "-1"},   {"--ff", "1.5"},         {"--optimizer", "lion"}, {"--keep", "chrf"},
           {"--accumulate", "0"}}) {
    const Outcome outcome = qkv({"train", "--data", "data", "--out", "run", option[0], option[1]});
    EXPECT_EQ(outcome.exit_code, 2) << option[0] << " " << option[1];
    EXPECT_TRUE(contains(outcome.errors, option[0]));
    EXPECT_FALSE(std::filesystem::exists(qkv.folder() / "run"));
  }
}

TEST_F(TrainSettings, ConfigTakesTheSettingsOfARunAndOptionsOverrideThem) {
  ASSERT_EQ(qkv(train_tiny("a", {"--steps", "3", "--norm", "pre", "--no-shuffle"})).exit_code, 0);
  ASSERT_EQ(qkv({"train", "--config", "a/config.json", "--out", "b"}).exit_code, 0);
  expect_same_run(qkv, "a", "b");
  ASSERT_EQ(qkv({"train", "--config", "a/config.json", "--epochs", "1", "--lr", "0.5", "--out", "c"}).exit_code, 0);
  auto expected = nlohmann::json::parse(qkv.text_of("a/config.json"));
  expected["epochs"] = 1;
  expected["steps"] = nullptr;
  expected["lr"] = 0.5;
  EXPECT_EQ(nlohmann::json::parse(qkv.text_of("c/config.json")), expected);

  qkv.folder().file("wrong.json", "{\"d_model\": 32, \"colour\": \"red\"}");
  const Outcome wrong = qkv({"train", "--config", "wrong.json", "--data", "data", "--out", "d"});
  EXPECT_EQ(wrong.exit_code, 1);
  EXPECT_TRUE(contains(wrong.errors, "wrong.json: there is no setting \"colour\""));
  for (const auto& [key, meant] : {std::pair("d_mode", "d_model"), {"batch-size", "batch_size"}, {"hiden", "hidden"}}) {
    qkv.folder().file("near.json", fmt::format("{{\"{}\": 32}}", key));
    const Outcome near = qkv({"train", "--config", "near.json", "--data", "data", "--out", "new"});
    EXPECT_TRUE(contains(near.errors, fmt::format("there is no setting \"{}\"; the nearest is \"{}\"", key, meant)))
        << near.errors;
  }
}

TEST_F(TrainSettings, WhatAFileSetsForAnotherModelIsToldAndChangesNothing) {
  qkv.folder().file("both.json", R"({"heads": 3, "layers": 6, "embedding": 8, "hidden": 8, "steps": 2})");
  qkv.folder().file("rnn.json", R"({"embedding": 8, "hidden": 8, "steps": 2})");
  const auto train = [&](const char* file, const char* run) {
    return qkv({"train", "--data", "data", "--model", "rnn", "--config", file, "--out", run});
  };
  const Outcome both = train("both.json", "a");
  ASSERT_EQ(both.exit_code, 0) << both.errors;
  EXPECT_TRUE(starts_with(both.errors, "qkv: warning: both.json: the model rnn does not use: heads, layers\n"));
  const Outcome rnn = train("rnn.json", "b");
  ASSERT_EQ(rnn.exit_code, 0) << rnn.errors;
  EXPECT_EQ(rnn.errors.find("does not use"), std::string::npos);
  EXPECT_TRUE(qkv.text_of("a/model.safetensors") == qkv.text_of("b/model.safetensors"));
  EXPECT_EQ(qkv({"eval", "a", "--data", "data"}).exit_code, 0) << "three heads do not divide 64 features";
  EXPECT_EQ(nlohmann::json::parse(qkv.text_of("b/config.json"))["heads"], 4) << "config.json holds every setting";
  const Outcome again = train("b/config.json", "c");
  EXPECT_EQ(again.exit_code, 0);
  EXPECT_EQ(again.errors.find("does not use"), std::string::npos) << "defaults mislead nobody";
}

TEST_F(TrainSettings, ASettingThatPlaysNoPartIsRefusedAsAnOptionAndToldOfAFile) {
  const Outcome refused = qkv(train_tiny("run", {"--optimizer", "sgd", "--beta2", "0.9"}));
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_TRUE(contains(refused.errors, "--beta2 plays no part with --optimizer sgd"));
  EXPECT_FALSE(std::filesystem::exists(qkv.folder() / "run"));
  const Outcome sentences = qkv(train_tiny("run", {"--batch-words", "50"}));  // which has --batch-size 8
  EXPECT_EQ(sentences.exit_code, 2);
  EXPECT_TRUE(contains(sentences.errors, "--batch-size plays no part with --batch-words 50"));
  const Outcome epochs = qkv(train_tiny("run", {"--steps", "3", "--epochs", "2"}));
  EXPECT_EQ(epochs.exit_code, 2);
  EXPECT_TRUE(contains(epochs.errors, "--epochs plays no part with --steps 3"));
  qkv.folder().file("adam.json", R"({"beta2": 0.9, "steps": 2})");
  const Outcome told = qkv(train_tiny("run", {"--optimizer", "sgd", "--config", "adam.json"}));
  ASSERT_EQ(told.exit_code, 0) << told.errors;
  EXPECT_TRUE(starts_with(told.errors, "qkv: warning: adam.json: beta2 plays no part with --optimizer sgd\n"));
  const Outcome resumed = qkv({"train", "--resume", "--out", "run", "--steps", "3"});
  ASSERT_EQ(resumed.exit_code, 0) << resumed.errors;
  EXPECT_EQ(resumed.errors.find("plays no part"), std::string::npos) << "it was told when the run began";
}

TEST_F(TrainSettings, AnRnnBeginsWithSettingsThatSuitIt) {
  qkv.folder().file("model.json", R"({"model": "rnn"})");
  int runs = 0;
  const auto rate_and_dropout = [&](const Arguments& options) {
    const std::string run = "run" + std::to_string(++runs);
    Arguments arguments{"train", "--data", "data", "--steps", "0", "--out", run};
    arguments.insert(arguments.end(), options.begin(), options.end());
    EXPECT_EQ(qkv(arguments).exit_code, 0);
    const auto json = nlohmann::json::parse(qkv.text_of(run + "/config.json"));
    return std::pair(json["lr"].get<double>(), json["dropout"].get<double>());
  };
  EXPECT_EQ(rate_and_dropout({}), std::pair(2e-3, 0.1));
  EXPECT_EQ(rate_and_dropout({"--model", "rnn-attention"}), std::pair(2e-3, 0.2)) << "for so few pairs";
  EXPECT_EQ(rate_and_dropout({"--config", "model.json"}), std::pair(2e-3, 0.2));
  EXPECT_EQ(rate_and_dropout({"--config", "model.json", "--model", "transformer"}), std::pair(2e-3, 0.1));
  EXPECT_EQ(rate_and_dropout({"--model", "rnn", "--lr", "1e-2"}), std::pair(1e-2, 0.2));
  EXPECT_EQ(rate_and_dropout({"--model", "rnn", "--dropout", "0"}), std::pair(2e-3, 0.0));
}

}  // namespace
}  // namespace qkv
