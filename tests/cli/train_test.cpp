#include <csignal>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "qkv/files/safetensors.h"
#include "tests/cli/runs.h"
#include "tests/cli/small_data.h"

namespace qkv {
namespace {

namespace fs = std::filesystem;

struct Train : testing::Test {
  Train() { write_small_data(qkv); }

  std::vector<nlohmann::json> metrics(const std::string& run) const { return metrics_of(qkv, run); }

  void expect_same_run(const std::string& a, const std::string& b) const { ::qkv::expect_same_run(qkv, a, b); }

  Program qkv;
};

TEST_F(Train, TheSameSeedGivesTheSameRunAndAnotherOneDoesNot) {
  for (const auto& [run, seed] : {std::pair("a", "3"), std::pair("b", "3"), std::pair("c", "4")})
    ASSERT_EQ(qkv(train_tiny(run, {"--steps", "5", "--seed", seed})).exit_code, 0);
  expect_same_run("a", "b");
  EXPECT_NE(qkv.text_of("a/model.safetensors"), qkv.text_of("c/model.safetensors"));
}

TEST_F(Train, AnInterruptedTrainingSaysHowToGoOnAndLosesNothing) {
  const Outcome stopped =
      qkv.interrupted(train_tiny("my run", {"--epochs", "100000", "--validate-every", "50"}), "valid loss", SIGINT);
  EXPECT_EQ(stopped.exit_code, 1);
  EXPECT_EQ(stopped.output, "");
  EXPECT_TRUE(matches(stopped.errors.substr(stopped.errors.rfind("qkv: error: ")),
                      "qkv: error: stopped after step [0-9]+; nothing is lost. "
                      "To go on: qkv train --resume --out 'my run'\n"));
  const auto last = metrics("my run").back();
  EXPECT_TRUE(contains(stopped.errors, "after step " + std::to_string(last["step"].get<int>()) + ";"));
  const auto checkpoint = SafetensorsFile::read(qkv.folder() / "my run/last/checkpoint.safetensors");
  EXPECT_EQ(checkpoint.metadata().at("step"), std::to_string(last["step"].get<int>()));
}

TEST_F(Train, ResumedTrainingIsUninterruptedTrainingBitForBit) {
  const Arguments options{"--epochs", "400", "--validate-every", "50", "--dropout", "0.2"};
  ASSERT_EQ(qkv(train_tiny("whole", options)).exit_code, 0);
  for (const auto& [run, signal, exit_code] : {std::tuple("stopped", SIGTERM, 1), std::tuple("killed", SIGKILL, 137)}) {
    const Outcome ended = qkv.interrupted(train_tiny(run, options), "step    100", signal);
    ASSERT_EQ(ended.exit_code, exit_code) << "the training was over before it could be stopped";
    const Outcome resumed = qkv({"train", "--resume", "--out", run});
    ASSERT_EQ(resumed.exit_code, 0) << resumed.errors;
    expect_same_run("whole", run);
  }
}

TEST_F(Train, ResumeTakesOnlyWhatDoesNotChangeTheTraining) {
  ASSERT_EQ(qkv(train_tiny("run", {"--steps", "2"})).exit_code, 0);
  for (const Arguments& more : std::vector<Arguments>{{"--lr", "1"},
                                                      {"--seed", "2"},
                                                      {"--optimizer", "sgd"},
                                                      {"--no-shuffle"},
                                                      {"--workers", "2"},
                                                      {"--config", "run/config.json"},
                                                      {"--overwrite"}}) {
    Arguments arguments{"train", "--resume", "--out", "run"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Outcome outcome = qkv(arguments);
    EXPECT_EQ(outcome.exit_code, 2) << more[0];
    EXPECT_TRUE(contains(outcome.errors, more[0]));
  }
  ASSERT_EQ(qkv({"train", "--resume", "--out", "run", "--steps", "5"}).exit_code, 0);
  EXPECT_EQ(nlohmann::json::parse(qkv.text_of("run/config.json"))["steps"], 5);
  ASSERT_EQ(qkv({"train", "--resume", "--out", "run", "--epochs", "3", "--keep", "loss"}).exit_code, 0);
  EXPECT_EQ(nlohmann::json::parse(qkv.text_of("run/config.json"))["keep"], "loss");
  EXPECT_EQ(metrics("run").back()["step"], 9) << "--epochs takes the place of the run's --steps: 3 x 24 / 8";
  qkv.folder().file("data/train.csv", "source,target\n하나,one\n");
  const Outcome changed = qkv({"train", "--resume", "--out", "run", "--epochs", "9"});
  EXPECT_EQ(changed.exit_code, 1);
  EXPECT_TRUE(contains(changed.errors, "other sentences"));
  const Outcome nothing = qkv({"train", "--resume", "--out", "nothing"});
  EXPECT_EQ(nothing.exit_code, 1);
  EXPECT_TRUE(contains(nothing.errors, "nothing/last/checkpoint.safetensors"));
}

TEST_F(Train, ARunThatExistsIsKept) {
  ASSERT_EQ(qkv(train_tiny("run", {"--steps", "1"})).exit_code, 0);
  const std::string model = qkv.text_of("run/model.safetensors");
  const Outcome again = qkv(train_tiny("run", {"--steps", "2"}));
  EXPECT_EQ(again.exit_code, 1);
  EXPECT_TRUE(contains(again.errors, "run exists already; use --resume"));
  EXPECT_EQ(qkv.text_of("run/model.safetensors"), model);

  const Outcome broken = qkv({"train", "--data", "nowhere", "--out", "run", "--overwrite"});
  EXPECT_EQ(broken.exit_code, 1);
  EXPECT_EQ(qkv(train_tiny("run", {"--overwrite", "--max-length", "2"})).exit_code, 2);
  EXPECT_EQ(qkv.text_of("run/model.safetensors"), model) << "nothing is removed before the new run is known to begin";

  qkv.folder().file("run/notes.txt", "mine");
  ASSERT_EQ(qkv(train_tiny("run", {"--steps", "2", "--overwrite"})).exit_code, 0);
  EXPECT_NE(qkv.text_of("run/model.safetensors"), model);
  EXPECT_EQ(qkv.text_of("run/notes.txt"), "mine");
}

TEST_F(Train, WhatIsNoRunIsNeverOverwritten) {
  fs::create_directory(qkv.folder() / "thesis");
  qkv.folder().file("thesis/config.json", "{\"model\": \"mine\"}");
  qkv.folder().file("thesis/test.json", "years of work");
  const Outcome folder = qkv(train_tiny("thesis", {"--overwrite"}));
  EXPECT_EQ(folder.exit_code, 1);
  EXPECT_TRUE(contains(folder.errors, "thesis is not overwritten"));
  EXPECT_EQ(qkv.text_of("thesis/test.json"), "years of work");
  EXPECT_EQ(qkv(train_tiny("data/test.csv", {"--overwrite"})).exit_code, 1);
  EXPECT_TRUE(fs::is_regular_file(qkv.folder() / "data/test.csv"));
}

TEST_F(Train, APlaceThatCannotBeWrittenIsFoundBeforeTraining) {
  for (const char* place : {"data/test.csv/run", "/dev/null/run"}) {
    const Outcome outcome = qkv(train_tiny(place, {"--epochs", "1000000"}));  // would never end
    EXPECT_EQ(outcome.exit_code, 1);
    EXPECT_TRUE(contains(outcome.errors, std::string(place) + ": cannot make this folder: Not a directory"));
  }
}

TEST_F(Train, WhatDataIsMissingIsTaught) {
  const auto errors_of = [&](const Arguments& arguments, int exit_code) {
    Arguments line{"train", "--out", "run"};
    line.insert(line.end(), arguments.begin(), arguments.end());
    const Outcome outcome = qkv(line);
    EXPECT_EQ(outcome.exit_code, exit_code) << arguments.back();
    EXPECT_FALSE(fs::exists(qkv.folder() / "run"));
    return outcome.errors;
  };
  EXPECT_TRUE(contains(errors_of({}, 2), "give --data DIR or --train F.csv"));
  EXPECT_TRUE(
      contains(errors_of({"--data", "no"}, 1), "there is no folder no; qkv data korean-english --out no makes one"));
  EXPECT_TRUE(contains(errors_of({"--data", "data/train.csv"}, 1), "data/train.csv is a file; --data names a folder"));
  fs::create_directory(qkv.folder() / "empty");
  EXPECT_TRUE(contains(errors_of({"--data", "empty"}, 1), "empty: there is no train.csv in this folder"));
  qkv.folder().file("header.csv", "source,target\n");
  EXPECT_TRUE(contains(errors_of({"--train", "header.csv"}, 1), "header.csv:1: nothing follows the header"));
  qkv.folder().file("columns.csv", "korean,english\n하나,one\n");
  EXPECT_TRUE(contains(errors_of({"--train", "columns.csv"}, 1), "columns.csv:1: no column \"source\""));
  EXPECT_TRUE(contains(errors_of({"--data", "data", "--train", "header.csv"}, 2), "--data names all files"));
  EXPECT_TRUE(contains(errors_of({"--train", "data/train.csv", "--patience", "2"}, 2), "--patience"));
  EXPECT_TRUE(contains(errors_of({"--data", "data", "--max-length", "2"}, 2), "--max-length 2"));
}

TEST_F(Train, ClipZeroMeansNone) {
  for (const auto& [run, clip] : {std::pair("none", "0"), std::pair("high", "1000000"), std::pair("low", "0.001")})
    ASSERT_EQ(qkv(train_tiny(run, {"--steps", "3", "--clip", clip})).exit_code, 0);
  EXPECT_EQ(qkv.text_of("none/model.safetensors"), qkv.text_of("high/model.safetensors"));
  EXPECT_NE(qkv.text_of("none/model.safetensors"), qkv.text_of("low/model.safetensors"));
}

TEST_F(Train, WithoutShufflingBatchesAreConsecutiveRowsAgainFromTheTop) {
  // Twelve rows in batches of eight: rows 0-7, 8-11 and 0-3, 4-11. Written out one after the other they are 24 rows.
  std::vector<Pair> twelve;
  for (int i = 0; i < 12; ++i) twelve.push_back(numerals(i * 43));
  write_pairs(qkv.folder() / "twelve.csv", twelve);
  std::vector<Pair> twice = twelve;
  twice.insert(twice.end(), twelve.begin(), twelve.end());
  write_pairs(qkv.folder() / "twice.csv", twice);
  for (const std::string file : {"twelve", "twice"})
    ASSERT_EQ(qkv({"train", "--train", file + ".csv", "--out", file, "--no-shuffle", "--steps", "3", "--batch-size",
                   "8", "--d-model", "8", "--heads", "1", "--layers", "1", "--ff", "8"})
                  .exit_code,
              0);
  EXPECT_EQ(qkv.text_of("twelve/target.vocab"), qkv.text_of("twice/target.vocab")) << "else they cannot be compared";
  EXPECT_EQ(qkv.text_of("twelve/model.safetensors"), qkv.text_of("twice/model.safetensors"));
  EXPECT_EQ(metrics("twelve")[1]["epoch"], 0);
  EXPECT_EQ(metrics("twelve")[2]["epoch"], 1);
}

TEST_F(Train, AnAccumulatedStepIsOneLineOfMetricsAndOneStep) {
  ASSERT_EQ(qkv(train_tiny("run", {"--accumulate", "2", "--epochs", "3"})).exit_code, 0);  // 3 x 24 / 8 batches
  int steps = 0;
  for (const auto& line : metrics("run")) {
    if (!line.contains("lr")) continue;
    EXPECT_EQ(line["step"], ++steps);
  }
  EXPECT_EQ(steps, 5) << "the last one takes a batch of the next pass";
}

TEST_F(Train, AWordLimitThatNoBatchCanKeepIsRefusedBeforeAnythingIsWritten) {
  const Outcome outcome = qkv({"train", "--data", "data", "--out", "run", "--batch-words", "3"});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_TRUE(contains(outcome.errors,
                       "a training pair has 4 words on its longer side, <eos> counted, but "
                       "--batch-words is 3"))
      << outcome.errors;
  EXPECT_FALSE(fs::exists(qkv.folder() / "run"));
}

TEST_F(Train, ProgressNamesEpochsAndTranslatesASampleAtEachValidation) {
  const Outcome outcome = qkv(train_tiny("run", {"--epochs", "3"}));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
  const Pair sample = read_pairs(qkv.folder() / "data/valid.csv").front();
  for (const auto& [step, epoch] : {std::pair(3, 1), {6, 2}, {9, 3}})
    EXPECT_TRUE(contains(outcome.errors, fmt::format("step {:>6}  epoch {}/3  valid loss ", step, epoch)));
  std::size_t samples = 0;
  const std::string lines = fmt::format("\n  source       {}\n  reference    {}\n  translation",
                                        fmt::join(sample.source, " "), fmt::join(sample.target, " "));
  for (std::size_t at = outcome.errors.find(lines); at != std::string::npos; at = outcome.errors.find(lines, at + 1))
    ++samples;
  EXPECT_EQ(samples, 3u) << outcome.errors;
  EXPECT_TRUE(contains(outcome.output, "loss of the best model: "));
  const Outcome nothing = qkv({"train", "--resume", "--out", "run", "--steps", "2"});
  EXPECT_EQ(nothing.exit_code, 0);
  EXPECT_TRUE(starts_with(nothing.errors, "note: already at step 9; there is nothing to train up to step 2\n"));
}

TEST_F(Train, SaysThatPatienceHasEndedIt) {
  const Outcome outcome =
      qkv(train_tiny("run", {"--epochs", "40", "--patience", "2", "--lr", "1e-9", "--schedule", "constant"}));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
  const std::string said =
      "note: no better model in 2 validations, so training ends at step 18 of 120; a larger "
      "--patience, or 0, goes on\n";
  EXPECT_TRUE(contains(outcome.errors, said)) << outcome.errors;
  const Outcome resumed = qkv({"train", "--resume", "--out", "run"});
  EXPECT_TRUE(contains(resumed.errors, said)) << resumed.errors;
}

TEST_F(Train, SaysThatAWarmUpIsAsLongAsTraining) {
  const Outcome outcome = qkv(train_tiny("run", {"--steps", "2", "--lr", "0.01"}));
  EXPECT_TRUE(contains(outcome.errors,
                       "note: the --warmup of 2 steps is as long as training, so the learning rate does "
                       "not reach 0.01 before its end\n"))
      << outcome.errors;
}

TEST_F(Train, ItsLengthFollowsFromTheTokensThatAreLearntFrom) {
  for (const auto& [tokenizer, least, most] : {std::tuple("word", 1'000, 1'000), {"char", 160, 400}}) {
    const std::string run = tokenizer;
    const Outcome outcome = qkv({"train", "--data", "data", "--out", run, "--tokenizer", tokenizer, "--batch-words",
                                 "30", "--d-model", "8", "--steps", "1"});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
    EXPECT_EQ(contains(outcome.errors, " target characters\n"), run == "char") << outcome.errors;
    const int epochs = nlohmann::json::parse(qkv.text_of(run + "/config.json"))["epochs"];
    EXPECT_GE(epochs, least) << "four steps of seven sentences each, or some twenty of one or two";
    EXPECT_LE(epochs, most);
  }
}

TEST_F(Train, LongPairsAreLeftOutAndCounted) {
  std::ofstream(qkv.folder() / "data/train.csv", std::ios::app) << "하나 둘 셋 넷,four three two one,\n";
  const Outcome outcome = qkv(train_tiny("run", {"--max-length", "3", "--steps", "1"}));
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_TRUE(contains(outcome.errors, "1 of 25 training pairs is longer than 3 words and is left out"));
}

TEST_F(Train, WithoutValidationTheLastModelIsKeptAndThatIsSaid) {
  const Outcome outcome = qkv({"train", "--train", "data/train.csv", "--out", "run", "--d-model", "8", "--heads", "1",
                               "--layers", "1", "--ff", "8", "--steps", "2"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
  EXPECT_TRUE(contains(outcome.errors, "no validation set, so the last model is kept"));
  EXPECT_FALSE(fs::exists(qkv.folder() / "run/test.json")) << "there is no test set";
}

TEST_F(Train, ALossThatIsNotFiniteIsExplained) {
  ASSERT_EQ(qkv(train_tiny("run", {"--steps", "2"})).exit_code, 0);
  const std::string path = qkv.folder() / "run/last/checkpoint.safetensors";
  const auto checkpoint = SafetensorsFile::read(path);
  std::vector<StoredTensor> tensors = checkpoint.tensors();
  const std::vector<float> huge(checkpoint.tensor("generator.weight").count(), 3e38F);
  for (StoredTensor& tensor : tensors)
    if (tensor.name == "generator.weight") tensor = StoredTensor::of<float>(tensor.name, tensor.shape, huge);
  write_safetensors(path, tensors, checkpoint.metadata());
  const Outcome outcome = qkv({"train", "--resume", "--out", "run", "--steps", "4"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_TRUE(contains(outcome.errors, "qkv: error: step 3: the loss is "));
  EXPECT_TRUE(contains(outcome.errors, "a smaller --lr, a longer --warmup or --clip may help"));
}

TEST_F(Train, JsonIsWhatTestJsonHolds) {
  const Outcome outcome = qkv(train_tiny("run", {"--steps", "2", "--json"}));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
  EXPECT_EQ(nlohmann::json::parse(outcome.output), nlohmann::json::parse(qkv.text_of("run/test.json")));
}

}  // namespace
}  // namespace qkv
