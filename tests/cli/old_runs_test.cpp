#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/cli/runs.h"

// Runs that version 0.1.0 left behind (tests/runs_of_version_0.1), after four steps; NAME.continued.jsonl is how that
// version went on to eight.

namespace qkv {
namespace {

namespace fs = std::filesystem;

const std::string old_runs = QKV_SOURCE_DIR "/tests/runs_of_version_0.1";

class OldRuns : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    fs::copy(old_runs + "/" + GetParam(), qkv.folder() / "run", fs::copy_options::recursive);
    fs::copy(old_runs + "/data", qkv.folder() / "data", fs::copy_options::recursive);
    fs::create_directory(qkv.folder() / "expected");
    fs::copy(old_runs + "/" + GetParam() + ".continued.jsonl", qkv.folder() / "expected/metrics.jsonl");
  }

  Program qkv;
};

TEST_P(OldRuns, AreLoaded) {
  const Outcome outcome = qkv({"eval", "run", "--data", "data/valid.csv", "--json"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
  const auto expected = metrics_of(qkv, "expected");  // step 4's validation is the sixth line
  EXPECT_NEAR(nlohmann::json::parse(outcome.output)["loss"], expected[5]["valid_loss"], 1e-4);
}

TEST_P(OldRuns, AreGoneOnWith) {
  const Outcome outcome = qkv(
      {"train", "--train", "data/train.csv", "--valid", "data/valid.csv", "--out", "run", "--resume", "--steps", "8"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
  const auto got = metrics_of(qkv, "run"), expected = metrics_of(qkv, "expected");
  ASSERT_EQ(got.size(), expected.size());
  for (std::size_t i = 0; i < got.size(); ++i)
    for (const auto& [key, value] : expected[i].items())  // on another processor the last bits differ
      EXPECT_NEAR(got[i][key], value, 1e-4 * std::max(1.0, std::abs(value.get<double>()))) << i << " " << key;
}

INSTANTIATE_TEST_SUITE_P(OfVersion, OldRuns, testing::Values("transformer", "rnn", "rnn-attention"),
                         [](const auto& parameter) {
                           std::string name = parameter.param;
                           std::erase(name, '-');
                           return name;
                         });

}  // namespace
}  // namespace qkv
