// Files that are wrong, by chance or on purpose: exit code 1, one message that names the file, and no memory to speak
// of.

#include <fmt/format.h>
#include <fstream>
#include <map>

#include "qkv/files/safetensors.h"
#include "tests/cli/small_data.h"

namespace qkv {
namespace {

// The address sanitizer lays claim to more addresses than there is memory, so there its limits are not set.
#ifdef __SANITIZE_ADDRESS__
constexpr const char* limits = "";
#else
constexpr const char* limits = "ulimit -v 1000000; ulimit -s 8192; ";
#endif

/// A program with a run of a few steps.
struct HostileFiles : testing::Test {
  Program qkv;
  std::string config;  // as it was written

  void SetUp() override {
    write_small_data(qkv);
    ASSERT_EQ(qkv(train_tiny("run", {"--steps", "3"})).exit_code, 0);
    config = qkv.text_of("run/config.json");
  }

  /// Runs it with 1 GB of memory and a stack of 8 MB; a crash, a signal or a time limit is no exit code 1.
  Outcome within_limits(const std::string& arguments) const {
    return qkv.shell(limits + ("timeout --signal KILL 60 \"$QKV\" " + arguments));
  }

  void expect_refused(const std::string& arguments, const std::vector<std::string>& parts) const {
    const Outcome outcome = within_limits(arguments);
    EXPECT_EQ(outcome.exit_code, 1) << arguments << "\n" << outcome.errors.substr(0, 2000);
    EXPECT_TRUE(starts_with(outcome.errors, "qkv: error: ")) << arguments;
    EXPECT_LT(outcome.errors.size(), 1500U);
    for (const std::string& part : parts) EXPECT_TRUE(contains(outcome.errors, part)) << arguments;
  }

  /// Every command that reads the run.
  void expect_run_refused(const std::vector<std::string>& parts) const {
    for (const char* command :
         {"eval run --data data/test.csv", "translate run 하나", "grads run --data data/test.csv --out g.safetensors"})
      expect_refused(command, parts);
  }

  /// config.json with another value of one setting.
  std::string config_with(const std::string& key, const std::string& value) const {
    const std::string name = "\"" + key + "\": ";
    const std::size_t begin = config.find(name) + name.size();
    return config.substr(0, begin) + value + config.substr(config.find_first_of(",\n", begin));
  }
};

TEST_F(HostileFiles, DeepJsonIsRefusedByTheNameOfItsFile) {
  const std::string deep(200'000, '['), closed = deep + std::string(200'000, ']');
  const std::string metrics = qkv.text_of("run/metrics.jsonl");
  for (const std::string& text :
       {deep, closed, "{\"model\":" + closed + "}", config_with("heads", closed), config_with("norm", closed),
        config_with("data", closed), config_with("qkv", closed)}) {
    qkv.folder().file("run/config.json", text);
    qkv.folder().file("deep.json", text);
    expect_run_refused({"run/config.json:", "more than 16 deep"});
    expect_refused("train --resume --out run", {"run/config.json:", "more than 16 deep"});
    expect_refused("train --config deep.json --data data --out other", {"deep.json:", "more than 16 deep"});
    expect_refused("train --overwrite --data data --out run", {"run is not overwritten"});
  }
  qkv.folder().file("run/config.json", config);
  qkv.folder().file("run/metrics.jsonl", metrics.substr(0, metrics.find('\n') + 1) + "{\"step\":" + closed + "}\n");
  expect_refused("train --resume --out run --steps 5", {"run/metrics.jsonl:2: "});
  qkv.folder().file("run/metrics.jsonl", metrics);
  for (const std::string& header : {"{\"a\":" + deep, "{\"a\":" + closed + "}", "{\"__metadata__\":" + closed + "}",
                                    R"({"a":{"dtype":"F32","shape":)" + closed + R"(,"data_offsets":[0,4]}})"}) {
    std::string length(8, '\0');
    for (int i = 0; i < 8; ++i) length[static_cast<std::size_t>(i)] = static_cast<char>(header.size() >> (8 * i));
    qkv.folder().file("run/model.safetensors", length + header);
    expect_run_refused({"run/model.safetensors: ", "more than 16 deep"});
    qkv.folder().file("run/last/checkpoint.safetensors", length + header);
    expect_refused("train --resume --out run --steps 5", {"run/last/checkpoint.safetensors: ", "more than 16 deep"});
  }
}

TEST_F(HostileFiles, HugeSettingsAreComparedWithTheModelBeforeItTakesMemory) {
  for (const auto& [key, value, tensor] : {std::tuple("d_model", "1000000", "source_embedding.weight"),
                                           {"layers", "1000", "encoder.layers.1.self_attention.query.weight"},
                                           {"ff", "1000000", "encoder.layers.0.feed_forward.inner.weight"}}) {
    qkv.folder().file("run/config.json", config_with(key, value));
    const std::string setting = fmt::format("{} {}", key, value);
    expect_run_refused({"run/model.safetensors: ", tensor, setting, "run/config.json"});
    expect_refused("train --resume --out run",
                   {"run/last/checkpoint.safetensors: ", tensor, setting, "run/config.json"});
  }
}

TEST_F(HostileFiles, ARecurrentModelIsComparedAsWell) {
  ASSERT_EQ(qkv({"train", "--data", "data", "--out", "run", "--overwrite", "--model", "rnn-attention", "--hidden", "8",
                 "--embedding", "8", "--steps", "1"})
                .exit_code,
            0);
  config = qkv.text_of("run/config.json");
  for (const char* key : {"embedding", "hidden"}) {
    qkv.folder().file("run/config.json", config_with(key, "1000000"));
    expect_run_refused({"run/model.safetensors: ", fmt::format("{} 1000000", key), "run/config.json"});
  }
}

TEST_F(HostileFiles, WhatIsWrongInAFileIsNoWrongUsage) {
  for (const auto& [key, value] : {std::pair("heads", "0"),
                                   {"heads", "3"},
                                   {"batch_size", "0"},
                                   {"lr", "-1"},
                                   {"dropout", "1"},
                                   {"workers", "257"},
                                   {"max_length", "20000"},
                                   {"epochs", "-3"},
                                   {"label_smoothing", "2"},
                                   {"heads", "2.5"},
                                   {"norm", "\"middle\""},
                                   {"lr", "1e999"}}) {
    qkv.folder().file("run/config.json", config_with(key, value));
    qkv.folder().file("settings.json", fmt::format("{{\"{}\": {}}}", key, value));
    expect_refused("train --resume --out run", {"run/config.json:"});
    expect_refused("train --config settings.json --data data --out other", {"settings.json:"});
  }
  qkv.folder().file("run/config.json", config_with("max_length", "1"));
  const Outcome too_long = within_limits("train --resume --out run");
  EXPECT_EQ(too_long.exit_code, 1);
  EXPECT_TRUE(ends_with(too_long.errors, "run/config.json: all 24 training pairs are longer than --max-length 1\n"));
  // On the command line the same is wrong usage; and an option may put right what a file has wrong.
  EXPECT_EQ(qkv({"train", "--data", "data", "--out", "other", "--heads", "0"}).exit_code, 2);
  qkv.folder().file("settings.json", "{\"d_model\": 30, \"layers\": 1, \"steps\": 0}");
  expect_refused("train --config settings.json --data data --out other", {"settings.json: --heads 4 does not divide"});
  EXPECT_EQ(qkv({"train", "--config", "settings.json", "--data", "data", "--out", "other", "--heads", "3"}).exit_code,
            0);
}

TEST_F(HostileFiles, ACheckpointsNumbersAreInRangeAndFitEachOther) {
  const std::string path = qkv.folder() / "run/last/checkpoint.safetensors";
  const SafetensorsFile file = SafetensorsFile::read(path);
  for (const auto& [key, value] : {std::pair("step", "9223372036854775807"),
                                   {"step", "-5"},
                                   {"step", "2"},
                                   {"epoch", "18446744073709551615"},
                                   {"epoch", "4000000000000000000"},
                                   {"batch", "18446744073709551615"},
                                   {"batch", "3"},
                                   {"best_loss", "nan"},
                                   {"best_bleu", "inf"},
                                   {"keep", "both"},
                                   {"validations_without_improvement", "2147483647"}}) {
    auto metadata = file.metadata();
    metadata[key] = value;
    write_safetensors(path, file.tensors(), metadata);
    expect_refused("train --resume --out run --steps 9", {"run/last/checkpoint.safetensors: "});
  }
  std::vector<StoredTensor> tensors = file.tensors();
  tensors[1].dtype = Dtype::I32;
  write_safetensors(path, tensors, file.metadata());
  expect_refused("train --resume --out run --steps 9", {"run/last/checkpoint.safetensors: ", "holds I32"});
  write_safetensors(path, file.tensors(), file.metadata());
  EXPECT_EQ(qkv({"train", "--resume", "--out", "run", "--steps", "9"}).exit_code, 0);
}

TEST_F(HostileFiles, AVocabularyThatDoesNotFitIsNamed) {
  const std::string words = qkv.text_of("run/source.vocab");
  qkv.folder().file("run/source.vocab", words + "more\n");
  expect_run_refused({"run/model.safetensors: ", "the lines of source.vocab"});
  expect_refused("train --resume --out run --steps 9", {"run/last/checkpoint.safetensors: ", "source.vocab"});
  qkv.folder().file("run/source.vocab", words + "two words\n");
  expect_run_refused({"run/source.vocab:"});
  expect_refused("train --resume --out run --steps 9", {"run/source.vocab:"});
}

TEST_F(HostileFiles, TooLargeAModelNamesTheSettingsToBlame) {
  for (const auto& [options, blamed] : {std::pair("--d-model 1000000", "--d-model 1000000"),
                                        {"--layers 1000 --d-model 10240", "--d-model 10240 and --layers 1000"},
                                        {"--ff 1000000 --d-model 100000", "--d-model 100000"},
                                        {"--model rnn --hidden 1000000", "--hidden 1000000"},
                                        {"--d-model 40000 --workers 8", "--d-model 40000"}}) {
    expect_refused(fmt::format("train --data data --out other {}", options),
                   {"there is not enough memory: this process can have ", " GB", blamed});
    EXPECT_FALSE(std::filesystem::exists(qkv.folder() / "other"));
  }
  expect_refused("bench --d-model 1000000 --seconds 1", {"there is not enough memory", "--d-model 1000000"});
}

}  // namespace
}  // namespace qkv
