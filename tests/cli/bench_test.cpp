#include <nlohmann/json.hpp>

#include "tests/cli/program.h"

namespace qkv {
namespace {

TEST(BenchCommand, JsonIsAListWithTheTimesOfEachConfiguration) {
  const Program qkv;
  const Outcome outcome = qkv({"bench", "micro", "gru", "--seconds", "0.05", "--workers", "1", "--json"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
  const auto rows = nlohmann::json::parse(outcome.output);
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0]["config"], "micro");
  EXPECT_EQ(rows[1]["config"], "gru");
  for (const auto& row : rows) {
    EXPECT_EQ(row["workers"], 1);
    EXPECT_GT(row["min_ms"], 0);
    EXPECT_GE(row["median_ms"], row["min_ms"]);
    EXPECT_GT(row["tokens_per_second"], 0);
    EXPECT_GT(row["parameters"], 0);
  }
}

TEST(BenchCommand, TimesSizesOfOnesOwn) {
  const Program qkv;
  const Outcome outcome = qkv({"bench", "--d-model", "8", "--heads", "2", "--layers", "1", "--ff", "8", "--batch-size",
                               "2", "--length", "4", "--vocabulary", "10", "--seconds", "0.01"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.errors;
  EXPECT_TRUE(contains(outcome.output, "tokens/s"));
}

TEST(BenchCommand, RefusesWhatItCannotTime) {
  const Program qkv;
  EXPECT_EQ(qkv({"bench", "enormous"}).exit_code, 2);
  EXPECT_EQ(qkv({"bench", "micro", "--d-model", "8"}).exit_code, 2);
  EXPECT_EQ(qkv({"bench", "--heads", "3"}).exit_code, 2);
  EXPECT_EQ(qkv({"bench", "--layers", "0"}).exit_code, 2);
}

}  // namespace
}  // namespace qkv
