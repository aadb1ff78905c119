#include "qkv/translation/training_config.h"

#include <gtest/gtest.h>

#include "qkv/translation/version.h"
#include "tests/autograd/numbers.h"
#include "tests/files/temporary_folder.h"

namespace qkv {
namespace {

/// Another value than the one a setting has, still within its range.
void change(bool& value) { value = !value; }
void change(int& value) { value *= 2, ++value; }
void change(std::int64_t& value) { value += 7; }
void change(std::uint64_t& value) { value = 0xffff'ffff'ffff'fff7; }
void change(double& value) { value = value / 3 + 0.0123456789012345678; }
void change(std::string& value) { value += "/a \"quoted\" 경로.csv"; }
void change(std::optional<std::int64_t>& value) { value = 1'234'567'890'123; }
template <class Choice>
requires std::is_enum_v<Choice>
void change(Choice& value) {
  value = static_cast<Choice>((static_cast<std::size_t>(value) + 1) % choices<Choice>().size());
}

TEST(TrainingConfig, EverySettingSurvivesAFile) {
  const TemporaryFolder folder;
  int settings = 0;
  TrainingConfig all;
  for_each_setting(all, [&](const std::string& name, const auto&, const Setting& setting) {
    ++settings;
    EXPECT_STRNE(setting.help, "") << name;
    TrainingConfig config;
    for_each_setting(config, [&](const std::string& other, auto& value, const Setting&) {
      if (other == name) change(value);
    });
    const std::string path = folder.file("config.json", to_json(config).dump());
    TrainingConfig read;
    read_settings_file(path, read);
    EXPECT_EQ(to_json(read), to_json(config)) << name;
    EXPECT_NE(to_json(read), to_json(TrainingConfig{})) << name;
  });
  EXPECT_EQ(settings + 1, static_cast<int>(to_json({}).size()));  // and the version
  EXPECT_EQ(to_json({})["qkv"], version);
}

TEST(TrainingConfig, KeepsWhatAFileDoesNotName) {
  TrainingConfig config;
  config.heads = 8;
  read_settings(nlohmann::json::parse(R"({"layers": 3, "norm": "pre", "steps": null, "lr": 1})"), "F", config);
  EXPECT_EQ(config.layers, 3);
  EXPECT_EQ(config.norm, NormOrder::pre);
  EXPECT_EQ(config.heads, 8);
  EXPECT_EQ(config.lr, 1.0);
  EXPECT_FALSE(config.steps.has_value());
}

std::string reading(const std::string& json) {
  return message_of<std::runtime_error>([&] {
    TrainingConfig config;
    read_settings(nlohmann::json::parse(json), "F.json", config);
  });
}

TEST(TrainingConfig, NamesASettingThatIsWrong) {
  EXPECT_EQ(reading(R"([1])"), "F.json: this is no JSON object with settings");
  EXPECT_EQ(reading(R"({"layer": 3})"), "F.json: there is no setting \"layer\"");
  EXPECT_EQ(reading(R"({"d-model": 3})"), "F.json: there is no setting \"d-model\"");
  EXPECT_EQ(reading(R"({"heads": 2.5})"), "F.json: setting \"heads\": 2.5 is no whole number in range");
  EXPECT_EQ(reading(R"({"heads": 3000000000})"), "F.json: setting \"heads\": 3000000000 is no whole number in range");
  EXPECT_EQ(reading(R"({"heads": true})"), "F.json: setting \"heads\": true is no whole number in range");
  EXPECT_EQ(reading(R"({"seed": -1})"), "F.json: setting \"seed\": -1 is no whole number in range");
  EXPECT_EQ(reading(R"({"steps": 10000000000000000000})"),
            "F.json: setting \"steps\": 10000000000000000000 is no whole number in range");
  EXPECT_EQ(reading(R"({"norm": "middle"})"), "F.json: setting \"norm\": \"middle\" is none of: post, pre");
  for (const char* json : {R"({"lr": "fast"})", R"({"lr": true})", R"({"norm": 1})", R"({"shuffle": 1})",
                           R"({"data": 3})", R"({"steps": "many"})", R"({"heads": null})"})
    EXPECT_NE(reading(json).find("F.json: setting \""), std::string::npos) << json;
}

TEST(TrainingConfig, SaysOfListsAndObjectsOnlyThatTheyAreSuch) {
  EXPECT_EQ(reading(R"({"heads": [[1,2],3]})"), "F.json: setting \"heads\": a list is no whole number in range");
  EXPECT_EQ(reading(R"({"norm": {"a":1}})"), "F.json: setting \"norm\": an object is none of: post, pre");
  EXPECT_EQ(reading(R"({"data": []})"), "F.json: setting \"data\": a list is no text");
  EXPECT_EQ(reading(R"({"lr": {}})"), "F.json: setting \"lr\": an object is no number");
  EXPECT_EQ(reading(R"({"shuffle": "yes"})"), "F.json: setting \"shuffle\": \"yes\" is neither true nor false");
  EXPECT_LT(reading("{\"norm\": \"" + std::string(1'000'000, 'x') + "\"}").size(), 200U);
  EXPECT_LT(reading("{\"" + std::string(1'000'000, 'x') + "\": 1}").size(), 200U);
}

TEST(TrainingConfig, RefusesAFileOfDeepJsonWithItsLine) {
  const TemporaryFolder folder;
  const std::string levels(200'000, '['), ends(200'000, ']');
  for (const std::string& text : {levels, levels + ends, "{\"qkv\":\n" + levels + ends + "}",
                                  "{\"heads\":\n" + levels + ends + "}", "{\"unknown\":\n" + levels + "}"}) {
    const std::string path = folder.file("deep.json", text);
    TrainingConfig config;
    EXPECT_EQ(message_of<std::runtime_error>([&] { read_settings_file(path, config); }),
              path + (text[0] == '[' ? ":1" : ":2") +
                  ": not valid JSON: lists and objects inside each other more than 16 deep");
  }
}

TEST(TrainingConfig, NamesAFileThatIsNoJson) {
  const TemporaryFolder folder;
  const std::string path = folder.file("broken.json", "{\"heads\": 2,\n \"layers\" 3}");
  TrainingConfig config;
  const std::string message = message_of<std::runtime_error>([&] { read_settings_file(path, config); });
  EXPECT_EQ(message.find(path), 0u) << message;
  EXPECT_NE(message.find("not valid JSON"), std::string::npos) << message;
  folder.file("broken.json", "{\"lr\": 1e999}");
  EXPECT_EQ(message_of<std::runtime_error>([&] { read_settings_file(path, config); }),
            path + ":1: not valid JSON: number overflow parsing '1e999'");
  folder.file("broken.json", "{\"heads\": 2,\n\"heads\": 4}");
  EXPECT_EQ(message_of<std::runtime_error>([&] { read_settings_file(path, config); }),
            path + ":2: not valid JSON: \"heads\" occurs twice");
  const std::string missing = folder / "missing.json";
  EXPECT_EQ(message_of<std::runtime_error>([&] { read_settings_file(missing, config); }).find(missing), 0u);
}

/// What check_settings says once this setting has that value.
template <class Value>
std::string checking(Value TrainingConfig::*setting, Value value) {
  TrainingConfig config;
  config.*setting = value;
  return complaint([&] { check_settings(config); });
}

TEST(TrainingConfig, RefusesWhatIsOutOfRange) {
  using Config = TrainingConfig;
  EXPECT_EQ(complaint([] { check_settings({}); }), "");
  EXPECT_EQ(checking(&Config::heads, 0), "`heads` 0 is out of range; it must be from 1 to 1000000");
  EXPECT_EQ(checking(&Config::heads, 5), "`heads` 5 does not divide `d_model` 64; each head takes an equal part");
  EXPECT_EQ(checking(&Config::dropout, 1.0), "`dropout` 1 is out of range; it must be at least 0 and below 1");
  EXPECT_EQ(checking(&Config::max_length, 10'001), "`max_length` 10001 is out of range; it must be from 1 to 10000");
  for (const double bad : {-0.1, 1.0, double{NAN}}) {
    EXPECT_NE(checking(&Config::dropout, bad), "");
    EXPECT_NE(checking(&Config::label_smoothing, bad), "");
    for (double AdamOptions::*setting : {&AdamOptions::beta1, &AdamOptions::beta2, &AdamOptions::weight_decay}) {
      Config config;
      config.adam.*setting = bad;
      EXPECT_NE(complaint([&] { check_settings(config); }), "");
    }
  }
  for (const double bad : {0.0, -1e-3, double{INFINITY}, double{NAN}}) EXPECT_NE(checking(&Config::lr, bad), "") << bad;
  for (const double bad : {-1.0, double{INFINITY}, double{NAN}}) EXPECT_NE(checking(&Config::clip, bad), "") << bad;
  EXPECT_EQ(checking(&Config::clip, 0.0), "");
  for (int Config::*setting : {&Config::d_model, &Config::layers, &Config::ff, &Config::min_frequency,
                               &Config::max_length, &Config::batch_size, &Config::epochs, &Config::workers})
    EXPECT_NE(checking(setting, 0).find(" 0 is "), std::string::npos);
  EXPECT_EQ(checking(&Config::train, std::string("\xff.csv")),
            "`train` \xff.csv is not UTF-8, so no file of settings can hold it");
  EXPECT_NE(checking(&Config::workers, 257), "");
  EXPECT_NE(checking(&Config::patience, -1), "");
  EXPECT_EQ(checking(&Config::patience, 0), "");
  EXPECT_NE(checking(&Config::warmup, std::int64_t{-1}), "");
  EXPECT_NE(checking(&Config::validate_every, std::int64_t{-1}), "");
  EXPECT_NE(checking(&Config::steps, std::optional<std::int64_t>(-1)), "");
  EXPECT_EQ(checking(&Config::steps, std::optional<std::int64_t>(0)), "");
}

/// The names of the settings that a model uses, of those that not every model does.
std::string used_by(ModelKind model) {
  std::string names;
  TrainingConfig config;
  for_each_setting(config, [&](const std::string& name, const auto&, const Setting& setting) {
    if (setting.used_by != UsedBy::every_model && uses(model, setting.used_by)) names += name + " ";
  });
  return names;
}

TEST(TrainingConfig, EachSettingBelongsToModels) {
  EXPECT_EQ(used_by(ModelKind::transformer), "d-model heads layers ff norm activation positions tie-embeddings ");
  EXPECT_EQ(used_by(ModelKind::rnn), "embedding hidden cell ");
  EXPECT_EQ(used_by(ModelKind::rnn_attention), "embedding hidden cell score ");
  EXPECT_EQ(models_with(UsedBy::transformer), "transformer");
  EXPECT_EQ(models_with(UsedBy::rnn_models), "rnn and rnn-attention");
  EXPECT_EQ(models_with(UsedBy::rnn_attention), "rnn-attention");
}

TEST(TrainingConfig, WhatTheModelDoesNotUseIsNotCheckedAndIsNamed) {
  TrainingConfig config = default_settings(ModelKind::rnn);
  EXPECT_EQ(idle_settings(config), std::vector<std::string>());
  config.heads = 3;
  config.d_model = -1;
  config.score = Score::additive;
  config.hidden = 7;
  EXPECT_EQ(complaint([&] { check_settings(config); }), "");
  EXPECT_EQ(idle_settings(config), (std::vector<std::string>{"d_model", "heads", "score"}));
  config.model = ModelKind::transformer;
  EXPECT_NE(complaint([&] { check_settings(config); }), "");
}

}  // namespace
}  // namespace qkv
