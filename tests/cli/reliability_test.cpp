// What is promised to those who leave a training alone, stop it, or share a machine: docs/reliability.md.

#include <cmath>
#include <csignal>
#include <fmt/format.h>
#include <limits>
#include <sys/stat.h>

#include "qkv/files/safetensors.h"
#include "tests/cli/runs.h"
#include "tests/cli/small_data.h"

namespace qkv {
namespace {

namespace fs = std::filesystem;

constexpr const char* tiny = "--d-model 8 --heads 2 --layers 1 --ff 16 --workers 1 --batch-size 8 --warmup 2";

struct Reliability : testing::Test {
  Reliability() { write_small_data(qkv); }

  /// Multiplies all numbers of a run's tensor.
  void scale(const std::string& file, const std::string& name, float factor) const {
    const std::string path = qkv.folder() / file;
    const SafetensorsFile read = SafetensorsFile::read(path);
    std::vector<float> values = read.tensor(name).as<float>();
    for (float& value : values) value *= factor;
    std::vector<StoredTensor> tensors = read.tensors();
    for (StoredTensor& tensor : tensors)
      if (tensor.name == name) tensor = StoredTensor::of<float>(name, tensor.shape, values);
    write_safetensors(path, tensors, read.metadata());
  }

  Program qkv;
};

TEST_F(Reliability, SignalsThatWereIgnoredStayIgnored) {  // as nohup and scripts ask for
  const Outcome outcome = qkv.shell(fmt::format(
      "trap '' HUP INT TERM; \"$QKV\" train --data data --out run {} --epochs 4000 --validate-every 500 2>progress &\n"
      "until grep -q 'valid loss' progress; do sleep 0.01; done\n"
      "kill -HUP $!; kill -INT $!; kill -TERM $!; wait $!",
      tiny));
  EXPECT_EQ(outcome.exit_code, 0) << qkv.text_of("progress");
  EXPECT_EQ(metrics_of(qkv, "run").back()["step"], 12000);
}

TEST_F(Reliability, AHangUpThatIsNotIgnoredStopsATraining) {
  const Outcome stopped =
      qkv.interrupted(train_tiny("run", {"--epochs", "100000", "--validate-every", "50"}), "valid loss", SIGHUP);
  EXPECT_EQ(stopped.exit_code, 1);
  EXPECT_TRUE(contains(stopped.errors, "To go on: qkv train --resume --out run"));
}

TEST_F(Reliability, TwoDoNotTrainIntoOneRun) {
  const Outcome outcome = qkv.shell(fmt::format(
      "\"$QKV\" train --data data --out run {0} --epochs 1000000 --validate-every 50 2>first & first=$!\n"
      "until [ -s run/last/checkpoint.safetensors ]; do sleep 0.01; done\n"
      "for how in '--data data' '--data data --overwrite' --resume; do\n"
      "  \"$QKV\" train --out run $how {0} 2>second; echo $?; grep -c \"run is being trained by process $first\" "
      "second\n"
      "done\n"
      "\"$QKV\" train --out run --resume 2>second; echo $?; grep -c \"run is being trained by process $first\" second\n"
      "kill -TERM $first; wait $first; echo $?; grep -c 'To go on' first\n"
      "\"$QKV\" train --out run --resume --steps 1 >third 2>&1; echo $?",
      tiny));
  EXPECT_EQ(outcome.output, "1\n1\n1\n1\n2\n0\n1\n1\n1\n1\n0\n") << "--resume takes no sizes";
}

TEST_F(Reliability, WhatAFileMayNotHoldIsFoundBeforeTraining) {
  std::string words;
  for (int i = 0; i < 1100; ++i) words += "하나 ";
  for (const char* part : {"valid", "test"}) {
    write_small_data(qkv);
    std::ofstream(qkv.folder() / fmt::format("data/{}.csv", part), std::ios::app) << words << ",one,\n";
    const Outcome outcome = qkv(train_tiny("run", {"--epochs", "1000000"}));  // would never end
    EXPECT_EQ(outcome.exit_code, 1);
    EXPECT_TRUE(contains(outcome.errors, fmt::format("data/{}.csv:10: the source has 1100 words, but this model has "
                                                     "positions for 1023",
                                                     part)));
    EXPECT_FALSE(fs::exists(qkv.folder() / "run"));
  }
  write_initial_run(qkv);
  qkv.folder().file("long.csv", "source,target\n하나,one\n하나," + std::string(3000, 'a') + "\n" + words + ",one\n");
  for (const Arguments& command : {Arguments{"eval", "run", "--data", "long.csv"},
                                   Arguments{"grads", "run", "--data", "long.csv", "--out", "gradients"}}) {
    const Outcome outcome = qkv(command);
    EXPECT_EQ(outcome.exit_code, 1);
    EXPECT_TRUE(contains(outcome.errors, "qkv: error: long.csv:4: the source has 1100 words")) << command[0];
    EXPECT_EQ(outcome.output, "");
  }
}

TEST_F(Reliability, NumbersThatAreNotFiniteAreAnErrorThatSaysWhereTheyBegan) {
  write_initial_run(qkv);
  scale("run/model.safetensors", "encoder.layers.0.feed_forward.inner.weight", 3e38F);
  for (const Arguments& command : std::vector<Arguments>{{"eval", "run", "--data", "data/test.csv"},
                                                         {"eval", "run", "--data", "data/test.csv", "--json"},
                                                         {"translate", "run", "하나 둘"},
                                                         {"translate", "run", "하나 둘", "--json"},
                                                         {"grads", "run", "--data", "data/test.csv", "--out", "g"}}) {
    const Outcome outcome = qkv(command);
    EXPECT_EQ(outcome.exit_code, 1) << command[0];
    EXPECT_EQ(outcome.output, "") << command[0];
    EXPECT_TRUE(contains(outcome.errors, "the first value that is not finite is the output of ")) << command[0];
    EXPECT_TRUE(contains(outcome.errors, "encoder.layers.0.feed_forward")) << command[0];
  }
}

TEST_F(Reliability, APerplexityThatIsTooLargeIsSaidSo) {
  write_initial_run(qkv);
  scale("run/model.safetensors", "generator.weight", 1e4F);
  const Outcome table = qkv({"eval", "run", "--data", "data/test.csv"});
  EXPECT_EQ(table.exit_code, 0) << table.errors;
  EXPECT_TRUE(contains(table.output, "perplexity too large for a number"));
  const Outcome json = qkv({"eval", "run", "--data", "data/test.csv", "--json"});
  EXPECT_EQ(json.exit_code, 1);
  EXPECT_EQ(json.output, "");
  EXPECT_TRUE(contains(json.errors, "qkv: error: data/test.csv: the loss is "));
  EXPECT_TRUE(contains(json.errors, "more than a number in JSON can hold"));
}

TEST_F(Reliability, GradientsReplaceGradientsOnly) {
  write_initial_run(qkv);
  const auto grads = [&](const std::string& out, const Arguments& more = {}) {
    Arguments arguments{"grads", "run", "--data", "data/test.csv", "--out", out};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return qkv(arguments);
  };
  const std::string model = qkv.text_of("run/model.safetensors");
  for (const char* theirs : {"run/model.safetensors", "run/config.json", "data/test.csv"}) {
    const std::string before = qkv.text_of(theirs);
    const Outcome outcome = grads(theirs);
    EXPECT_EQ(outcome.exit_code, 1);
    EXPECT_TRUE(contains(outcome.errors, fmt::format("{} exists already and holds no gradients", theirs)));
    EXPECT_TRUE(qkv.text_of(theirs) == before) << theirs;
  }
  EXPECT_EQ(grads("g.safetensors").exit_code, 0);
  EXPECT_EQ(grads("g.safetensors").exit_code, 0) << "it is this command's own";
  EXPECT_EQ(grads("run/config.json", {"--overwrite"}).exit_code, 0) << "told to";
}

TEST_F(Reliability, GradientsOfAFileThatIsDifferentiatedInPartsAreThoseOfTheWhole) {
  write_initial_run(qkv);
  ASSERT_EQ(qkv({"grads", "run", "--data", "data/train.csv", "--out", "once"}).exit_code, 0);
  const std::string text = qkv.text_of("data/train.csv");
  const std::size_t header = text.find('\n') + 1;
  std::string many = text.substr(0, header);
  for (int i = 0; i < 200; ++i) many += text.substr(header);  // 4,800 pairs, more than are differentiated at once
  qkv.folder().file("many.csv", many);
  ASSERT_EQ(qkv({"grads", "run", "--data", "many.csv", "--out", "many"}).exit_code, 0);
  const SafetensorsFile once = SafetensorsFile::read(qkv.folder() / "once");
  const SafetensorsFile repeated = SafetensorsFile::read(qkv.folder() / "many");
  for (const StoredTensor& tensor : once.tensors()) {  // the mean over pairs is the same, up to rounding in floats
    const std::vector<float> a = tensor.as<float>(), b = repeated.tensor(tensor.name).as<float>();
    float largest = 0;
    for (const float value : a) largest = std::max(largest, std::abs(value));
    for (std::size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], b[i], 1e-4F * largest + 1e-7F) << tensor.name;
  }
}

TEST_F(Reliability, DataReplacesNoFileThatHoldsSomethingElse) {
  fs::create_directory(qkv.folder() / "mine");
  qkv.folder().file("mine/valid.csv", "source,target\n내,mine\n");
  const Outcome refused = qkv({"data", "korean-english", "--pairs", "12000", "--out", "mine"});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_TRUE(contains(refused.errors, "mine/valid.csv exists already and is not what would be written"));
  EXPECT_EQ(qkv.text_of("mine/valid.csv"), "source,target\n내,mine\n");
  EXPECT_FALSE(fs::exists(qkv.folder() / "mine/train.csv")) << "nothing is written if not all of it can be";
}

TEST_F(Reliability, AFileThatGrowsBeyondItsLimitIsAnError) {
  const Outcome outcome = qkv.shell(fmt::format(
      "ulimit -f 2; \"$QKV\" train --data data --out run {} --d-model 64 --steps 1", "--heads 2 --layers 1"));
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_TRUE(contains(outcome.errors, "run/model.safetensors: cannot write: File too large"));
}

TEST_F(Reliability, APipeThatNobodyWritesToDoesNotHang) {
  ASSERT_EQ(::mkfifo((qkv.folder() / "pipe.csv").c_str(), 0600), 0);
  const Outcome nobody = qkv({"train", "--train", "pipe.csv", "--out", "run"});
  EXPECT_EQ(nobody.exit_code, 1);
  EXPECT_TRUE(contains(nobody.errors, "pipe.csv: this is a pipe that nobody writes to"));
  const Outcome substituted =
      qkv.shell(fmt::format("\"$QKV\" train --train <(sleep 0.1; cat data/train.csv) --out run {} --steps 1", tiny));
  EXPECT_EQ(substituted.exit_code, 0) << substituted.errors;
}

TEST_F(Reliability, AStateThatAKillLeftIsSaidWithTheCommandThatGoesOn) {
  fs::create_directories(qkv.folder() / "early/last");
  const Outcome early = qkv({"train", "--resume", "--out", "early"});
  EXPECT_EQ(early.exit_code, 1);
  EXPECT_TRUE(contains(early.errors, "without --resume, training begins anew"));
  EXPECT_EQ(qkv(train_tiny("early", {"--steps", "1"})).exit_code, 0);

  ASSERT_EQ(qkv(train_tiny("begun", {"--steps", "1"})).exit_code, 0);
  fs::remove(qkv.folder() / "begun/last/checkpoint.safetensors");
  for (const Arguments& command : {Arguments{"train", "--resume", "--out", "begun"}, train_tiny("begun")}) {
    const Outcome outcome = qkv(command);
    EXPECT_EQ(outcome.exit_code, 1);
    EXPECT_TRUE(contains(outcome.errors, "--overwrite"));
    EXPECT_TRUE(contains(outcome.errors, "anew"));
  }
  EXPECT_EQ(qkv(train_tiny("begun", {"--steps", "1", "--overwrite"})).exit_code, 0);
}

TEST_F(Reliability, AnotherValidationSetIsNoticed) {
  ASSERT_EQ(qkv(train_tiny("run", {"--steps", "3"})).exit_code, 0);
  const Outcome outcome = qkv(
      {"train", "--resume", "--out", "run", "--steps", "6", "--train", "data/train.csv", "--valid", "data/test.csv"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.errors;
  EXPECT_TRUE(
      contains(outcome.errors, "the validation set is not the one from before, so its best model is chosen anew"));
  EXPECT_TRUE(contains(outcome.errors, "step      3  epoch 1/2  valid loss "));
}

}  // namespace
}  // namespace qkv
