// qkv compare as users type it, on data and models that train in a moment.

#include <csignal>
#include <map>
#include <nlohmann/json.hpp>

#include "tests/cli/runs.h"
#include "tests/cli/small_data.h"

namespace qkv {
namespace {

namespace fs = std::filesystem;

Arguments compare_tiny(const std::string& out, const Arguments& more = {}) {
  Arguments arguments{"compare", "--data",   "data", "--out",     out, "--seeds",      "1", "--d-model",
                      "8",       "--layers", "1",    "--workers", "1", "--batch-size", "8"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  if (std::find(more.begin(), more.end(), "--epochs") == more.end())
    arguments.insert(arguments.end(), {"--epochs", "2"});
  return arguments;
}

/// compare.json without what the clock says.
nlohmann::ordered_json without_times(const std::string& text) {
  nlohmann::ordered_json json = nlohmann::ordered_json::parse(text);
  for (auto& model : json["models"])
    if (model.contains("cost"))
      for (auto& row : model["cost"]) row.erase("microseconds");
  return json;
}

/// When each file below the folder was written last.
std::map<std::string, fs::file_time_type> times_of(const fs::path& folder) {
  std::map<std::string, fs::file_time_type> times;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) times[entry.path().string()] = entry.last_write_time();
  return times;
}

TEST(CompareSlow, TrainsMeasuresAndDoesNotTrainAgain) {
  const Program qkv;
  write_small_data(qkv, 48, 8, 12);
  const Outcome first = qkv(compare_tiny("out", {"--hidden", "3,5"}));
  ASSERT_EQ(first.exit_code, 0) << first.errors;
  for (const char* run : {"transformer-seed1", "rnn-seed1", "rnn-attention-seed1", "rnn-hidden3-seed1",
                          "rnn-attention-hidden3-seed1", "rnn-hidden5-seed1", "rnn-attention-hidden5-seed1"}) {
    EXPECT_TRUE(contains(first.errors, std::string("training out/runs/") + run)) << first.errors;
    EXPECT_TRUE(fs::exists(qkv.folder() / ("out/runs/" + std::string(run) + "/test.json"))) << run;
  }
  // The table: within 80 columns, each set and what a word costs.
  for (const char* part : {"parameters", "train, sentences that were trained on", "BLEU, chrF, % tokens",
                           "alignment error rate", "multiply-adds", "% exact match on test", "rnn-attention 5"})
    EXPECT_TRUE(contains(first.output, part)) << part << "\n" << first.output;
  std::istringstream lines(first.output);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 81U) << line;  // µ is two bytes

  const nlohmann::ordered_json json = nlohmann::ordered_json::parse(qkv.text_of("out/compare.json"));
  EXPECT_EQ(json["models"].size(), 7U);
  EXPECT_EQ(json["runs"].size(), 7U);
  for (const auto& model : json["models"]) {
    if (!model["matched"]) continue;
    EXPECT_NEAR(model["against_transformer"].get<double>(), 1, 0.05);
    EXPECT_FALSE(model["gradients"].empty());
    EXPECT_FALSE(model["cost"].empty());
    EXPECT_EQ(model["entropy"].empty(), model["model"] == "rnn");
    EXPECT_EQ(model["alignment"].empty(), model["model"] == "rnn");
  }
  // As many training sentences as unseen ones.
  EXPECT_EQ(json["data"]["sets"][0]["sentences"], json["data"]["sets"][1]["sentences"]);
  EXPECT_EQ(data_of_page(qkv, "out/compare.html")["compare"], nlohmann::json::parse(qkv.text_of("out/compare.json")));
  EXPECT_TRUE(starts_with(qkv.text_of("out/compare.csv"), "model,seed,width,set,length,measure,n,value,low,high\n"));

  // Its scores are those of qkv eval.
  const nlohmann::json eval =
      nlohmann::json::parse(qkv({"eval", "out/runs/rnn-seed1", "--data", "data/test.csv", "--json"}).output);
  for (const auto& run : json["runs"])
    if (run["name"] == "rnn-seed1")
      for (const auto& row : run["scores"])
        if (row["set"] == "test" && row["length"] == "all") {
          EXPECT_NEAR(row["bleu"]["value"].get<double>(), eval["bleu"].get<double>(), 1e-9);
          EXPECT_NEAR(row["token_accuracy"]["value"].get<double>(), eval["token_accuracy"].get<double>(), 1e-9);
        }

  const auto before = times_of(qkv.folder() / "out/runs");
  const Outcome second = qkv(compare_tiny("out", {"--hidden", "3,5", "--json"}));
  ASSERT_EQ(second.exit_code, 0) << second.errors;
  EXPECT_FALSE(contains(second.errors, "training")) << second.errors;
  EXPECT_EQ(times_of(qkv.folder() / "out/runs"), before);
  EXPECT_EQ(without_times(second.output), without_times(json.dump()));

  // Another budget is another comparison.
  const Outcome other = qkv(compare_tiny("out", {"--epochs", "3"}));
  EXPECT_EQ(other.exit_code, 1);
  EXPECT_TRUE(contains(other.errors, "out/runs/transformer-seed1 was made with epochs 2 instead of 3")) << other.errors;
  EXPECT_TRUE(contains(other.errors, "choose another --out")) << other.errors;

  // Other sentences of the same name are too.
  write_small_data(qkv, 40, 8, 12);
  const Outcome changed = qkv(compare_tiny("out"));
  EXPECT_EQ(changed.exit_code, 1);
  EXPECT_TRUE(contains(changed.errors, "was trained on other sentences than are in --data now")) << changed.errors;
}

TEST(CompareSlow, InterruptedItGoesOnAsIfNothingHadHappened) {
  const Program qkv;
  write_small_data(qkv, 64, 8, 8);
  const Arguments whole = compare_tiny("whole", {"--epochs", "20"}), parts = compare_tiny("parts", {"--epochs", "20"});
  ASSERT_EQ(qkv(whole).exit_code, 0);
  const Outcome stopped = qkv.interrupted(parts, "training parts/runs/rnn-seed1", SIGINT);
  EXPECT_EQ(stopped.exit_code, 1) << stopped.errors;
  EXPECT_TRUE(contains(stopped.errors, "stopped while it ")) << stopped.errors;
  EXPECT_TRUE(contains(stopped.errors, "nothing is lost. To go on: qkv compare --data data --out parts"))
      << stopped.errors;
  EXPECT_FALSE(fs::exists(qkv.folder() / "parts/compare.json"));
  const Outcome finished = qkv(parts);
  ASSERT_EQ(finished.exit_code, 0) << finished.errors;
  EXPECT_FALSE(contains(finished.errors, "training parts/runs/transformer-seed1")) << finished.errors;
  EXPECT_EQ(without_times(qkv.text_of("parts/compare.json")), without_times(qkv.text_of("whole/compare.json")));
  expect_same_run(qkv, "whole/runs/rnn-seed1", "parts/runs/rnn-seed1");
}

TEST(Compare, SaysWhatIsWrongBeforeAnythingIsWritten) {
  const Program qkv;
  write_small_data(qkv);
  const auto fails = [&](const Arguments& arguments, int exit_code, const std::string& why) {
    const Outcome outcome = qkv(arguments);
    EXPECT_EQ(outcome.exit_code, exit_code) << outcome.errors;
    EXPECT_TRUE(contains(outcome.errors, why)) << outcome.errors;
    EXPECT_FALSE(fs::exists(qkv.folder() / "out")) << outcome.errors;
  };
  fails({"compare", "--out", "out"}, 2, "--data is required");
  fails({"compare", "--data", "nowhere", "--out", "out"}, 1, "there is no folder nowhere; qkv data korean-english");
  fails(compare_tiny("out", {"--hidden", "8,sixteen"}), 2, "--hidden");
  fails(compare_tiny("out", {"--hidden", "8,,16"}), 2, "--hidden");
  fails(compare_tiny("out", {"--hidden", "0"}), 2, "--hidden");
  fails(compare_tiny("out", {"--hidden", "8,8"}), 2, "--hidden names 8 twice");
  fails(compare_tiny("out", {"--seeds", "0"}), 2, "--seeds");
  qkv.shell("touch file; mkdir foreign; touch foreign/letter");
  fails(compare_tiny("file"), 1, "--out file is a file");
  fails(compare_tiny("foreign"), 1, "foreign is not used, because it exists and holds no comparison");
  fails(compare_tiny("file/below"), 1, "file/below");
  EXPECT_EQ(qkv.shell("ls foreign").output, "letter\n");
  fs::remove(qkv.folder() / "data/test.csv");
  fails(compare_tiny("out"), 2, "there are no unseen sentences to compare on; --data needs a test.csv");
}

TEST(Compare, LeavesARunFolderThatIsNotItsOwn) {
  const Program qkv;
  write_small_data(qkv);
  qkv.shell("mkdir -p out/runs/rnn-seed1; touch out/runs/rnn-seed1/letter");
  const Outcome outcome = qkv(compare_tiny("out"));
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_TRUE(contains(outcome.errors, "out/runs/rnn-seed1 is not used, because it exists and is no run of qkv"))
      << outcome.errors;
  EXPECT_FALSE(fs::exists(qkv.folder() / "out/runs/transformer-seed1"));
}

}  // namespace
}  // namespace qkv
