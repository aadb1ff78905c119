#include "qkv/translation/training_config.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

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
  const auto names = names_of(value);
  std::size_t at = 0;
  while (names[at].value != value) ++at;
  value = names[(at + 1) % names.size()].value;
}

TEST(TrainingConfig, EverySettingOfEveryModelSurvivesAFile) {
  const TemporaryFolder folder;
  for (const ModelConfig& model : models()) {
    const TrainingConfig usual = default_settings(name_of(model));
    int settings = 0;
    for_each_setting(usual, [&](const std::string& name, const auto&, const Setting& setting) {
      ++settings;
      EXPECT_STRNE(setting.help, "") << name;
      TrainingConfig config = usual;
      for_each_setting(config, [&](const std::string& other, auto& value, const Setting&) {
        if (other == name) change(value);
      });
      const std::string path = folder.file("config.json", to_json(config).dump());
      EXPECT_EQ(read_settings_file(path).config, config) << name;
      EXPECT_NE(config, usual) << name;
    });
    EXPECT_LT(settings + 2, static_cast<int>(to_json(usual).size()));  // and the version, the model, what others have
    EXPECT_EQ(to_json(usual)["model"], name_of(model));
  }
  EXPECT_EQ(to_json(TrainingConfig{})["qkv"], version);
}

TEST(TrainingConfig, BeginsAsTheModelDoesWhereAFileNamesNothing) {
  const auto [config, named, unused] =
      read_settings(nlohmann::json::parse(R"({"layers": 3, "norm": "pre", "steps": null, "lr": 1})"), "F");
  TrainingConfig expected = default_settings("transformer");
  std::get<TransformerConfig>(expected.model).layers = 3;
  std::get<TransformerConfig>(expected.model).norm = NormOrder::pre;
  expected.lr = 1;
  EXPECT_EQ(config, expected);
  EXPECT_EQ(named, (std::vector<std::string>{"layers", "lr", "norm", "steps"}));
  EXPECT_EQ(read_settings(nlohmann::json::parse(R"({"model": "rnn"})"), "F").config, default_settings("rnn"));
  EXPECT_EQ(default_settings("rnn-attention").lr, 3e-3);
  EXPECT_EQ(complaint([] { default_settings("cnn"); }),
            "there is no model cnn; there are: transformer, rnn, rnn-attention");
}

std::string reading(const std::string& json) {
  return message_of<std::runtime_error>([&] { read_settings(nlohmann::json::parse(json), "F.json"); });
}

TEST(TrainingConfig, NamesASettingThatIsWrong) {
  EXPECT_EQ(reading(R"([1])"), "F.json: this is no JSON object with settings");
  EXPECT_EQ(reading(R"({"layer": 3})"), "F.json: there is no setting \"layer\"; the nearest is \"layers\"");
  EXPECT_EQ(reading(R"({"d-model": 3})"), "F.json: there is no setting \"d-model\"; the nearest is \"d_model\"");
  EXPECT_EQ(reading(R"({"heads": 2.5})"), "F.json: setting \"heads\": 2.5 is no whole number in range");
  EXPECT_EQ(reading(R"({"heads": 3000000000})"), "F.json: setting \"heads\": 3000000000 is no whole number in range");
  EXPECT_EQ(reading(R"({"heads": true})"), "F.json: setting \"heads\": true is no whole number in range");
  EXPECT_EQ(reading(R"({"seed": -1})"), "F.json: setting \"seed\": -1 is no whole number in range");
  EXPECT_EQ(reading(R"({"steps": 10000000000000000000})"),
            "F.json: setting \"steps\": 10000000000000000000 is no whole number in range");
  EXPECT_EQ(reading(R"({"model": "cnn"})"),
            "F.json: setting \"model\": \"cnn\" is none of: transformer, rnn, rnn-attention");
  EXPECT_EQ(reading(R"({"model": 1})"), "F.json: setting \"model\": 1 is none of: transformer, rnn, rnn-attention");
  EXPECT_EQ(reading(R"({"hidden": 2.5})"), "F.json: setting \"hidden\": 2.5 is no whole number in range");
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
  EXPECT_LT(reading("{\"model\": \"" + std::string(1'000'000, 'x') + "\"}").size(), 200U);
  EXPECT_LT(reading("{\"" + std::string(1'000'000, 'x') + "\": 1}").size(), 200U);
}

TEST(TrainingConfig, RefusesAFileOfDeepJsonWithItsLine) {
  const TemporaryFolder folder;
  const std::string levels(200'000, '['), ends(200'000, ']');
  for (const std::string& text : {levels, levels + ends, "{\"qkv\":\n" + levels + ends + "}",
                                  "{\"heads\":\n" + levels + ends + "}", "{\"unknown\":\n" + levels + "}"}) {
    const std::string path = folder.file("deep.json", text);
    EXPECT_EQ(message_of<std::runtime_error>([&] { read_settings_file(path); }),
              path + (text[0] == '[' ? ":1" : ":2") +
                  ": not valid JSON: lists and objects inside each other more than 16 deep");
  }
}

TEST(TrainingConfig, NamesAFileThatIsNoJson) {
  const TemporaryFolder folder;
  const std::string path = folder.file("broken.json", "{\"heads\": 2,\n \"layers\" 3}");
  const std::string message = message_of<std::runtime_error>([&] { read_settings_file(path); });
  EXPECT_EQ(message.find(path), 0u) << message;
  EXPECT_NE(message.find("not valid JSON"), std::string::npos) << message;
  folder.file("broken.json", "{\"lr\": 1e999}");
  EXPECT_EQ(message_of<std::runtime_error>([&] { read_settings_file(path); }),
            path + ":1: not valid JSON: number overflow parsing '1e999'");
  folder.file("broken.json", "{\"heads\": 2,\n\"heads\": 4}");
  EXPECT_EQ(message_of<std::runtime_error>([&] { read_settings_file(path); }),
            path + ":2: not valid JSON: \"heads\" occurs twice");
  const std::string missing = folder / "missing.json";
  EXPECT_EQ(message_of<std::runtime_error>([&] { read_settings_file(missing); }).find(missing), 0u);
}

/// What check_settings says once this setting has that value.
template <class Value>
std::string checking(Value TrainingConfig::*setting, Value value) {
  TrainingConfig config;
  config.*setting = value;
  return complaint([&] { check_settings(config); });
}

/// The same for a setting of the Transformer.
template <class Value>
std::string checking(Value TransformerConfig::*setting, Value value) {
  TransformerConfig model;
  model.*setting = value;
  TrainingConfig config;
  config.model = model;
  return complaint([&] { check_settings(config); });
}

TEST(TrainingConfig, RefusesWhatIsOutOfRange) {
  using Config = TrainingConfig;
  EXPECT_EQ(complaint([] { check_settings({}); }), "");
  EXPECT_EQ(checking(&TransformerConfig::heads, 0), "`heads` 0 is out of range; it must be from 1 to 1000000");
  EXPECT_EQ(checking(&TransformerConfig::heads, 5),
            "`heads` 5 does not divide `d_model` 64; each head takes an equal part");
  EXPECT_EQ(checking(&TransformerConfig::dropout, 1.0),
            "`dropout` 1 is out of range; it must be at least 0 and below 1");
  EXPECT_EQ(checking(&Config::max_length, 10'001), "`max_length` 10001 is out of range; it must be from 1 to 10000");
  for (const double bad : {-0.1, 1.0, double{NAN}}) {
    EXPECT_NE(checking(&TransformerConfig::dropout, bad), "");
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
  for (int TransformerConfig::*setting :
       {&TransformerConfig::d_model, &TransformerConfig::layers, &TransformerConfig::ff})
    EXPECT_NE(checking(setting, 0).find(" 0 is "), std::string::npos);
  for (int Config::*setting :
       {&Config::min_frequency, &Config::max_length, &Config::batch_size, &Config::epochs, &Config::workers})
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

/// The names of the settings of a model.
std::string settings_of(const ModelConfig& config) {
  std::string names;
  std::visit(
      [&](const auto& model) {
        model.visit(model, [&](const std::string& name, const auto&, const Setting&) { names += name + " "; });
      },
      config);
  return names;
}

TEST(TrainingConfig, EachModelHasItsSettings) {
  EXPECT_EQ(
      settings_of(TransformerConfig{}),
      "d_model heads layers ff dropout attention_dropout activation_dropout norm activation positions tie_embeddings ");
  EXPECT_EQ(settings_of(RnnConfig{.attention = {}}), "embedding hidden cell dropout ");
  EXPECT_EQ(settings_of(RnnConfig{}), "embedding hidden cell score dropout ");
  EXPECT_EQ(models_with("d_model"), std::vector<std::string>{"transformer"});
  EXPECT_EQ(models_with("hidden"), (std::vector<std::string>{"rnn", "rnn-attention"}));
  EXPECT_EQ(models_with("score"), std::vector<std::string>{"rnn-attention"});
  EXPECT_EQ(models_with("seed").size(), models().size());
  int once = 0;
  for_each_setting_of_any_model(
      [&](const std::string& name, const auto&, const Setting&) { once += name == "dropout"; });
  EXPECT_EQ(once, 1);
}

TEST(TrainingConfig, NamesWhatPlaysNoPartBesideOtherSettings) {
  const auto idle = [](const TrainingConfig& config) {
    std::string names;
    for (const auto& [name, because_of] : idle_settings(config)) names += name + ": " + because_of + "\n";
    return names;
  };
  TrainingConfig config;
  EXPECT_EQ(idle(config), "");
  config.optimizer = OptimiserKind::adamw;
  EXPECT_EQ(idle(config), "");
  config.optimizer = OptimiserKind::sgd;
  EXPECT_EQ(idle(config), "beta2: `optimizer` sgd\n");
  config.batch_words = 300;
  EXPECT_EQ(idle(config), "beta2: `optimizer` sgd\nbatch_size: `batch_words` 300\n");
}

TEST(TrainingConfig, WhatTheModelDoesNotHaveIsNamedWhereItWouldChangeSomething) {
  const nlohmann::json json = nlohmann::json::parse(
      R"({"model": "rnn", "heads": 3, "d_model": -1, "layers": 2, "score": "additive", "hidden": 7})");
  const auto [rnn, named, unused_by_rnn] = read_settings(json, "F");
  EXPECT_EQ(complaint([&config = rnn] { check_settings(config); }), "");
  EXPECT_EQ(unused_by_rnn, (std::vector<std::string>{"d_model", "heads", "score"}));
  EXPECT_EQ(std::get<RnnConfig>(rnn.model).hidden, 7);
  const auto [transformer, named_again, unused] =
      read_settings(json, "F", "transformer");  // though the file names another model
  EXPECT_EQ(unused, (std::vector<std::string>{"hidden", "score"}));
  EXPECT_NE(complaint([&config = transformer] { check_settings(config); }), "");
}

}  // namespace
}  // namespace qkv
