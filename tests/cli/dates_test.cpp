#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/cli/program.h"

namespace qkv {
namespace {

TEST(DatesCommand, WritesThreeFilesThatFollowFromTheSeed) {
  const Program qkv;
  const Outcome made = qkv({"data", "dates", "--pairs", "300", "--seed", "5", "--out", "made"});
  ASSERT_EQ(made.exit_code, 0) << made.errors;
  EXPECT_EQ(made.output, "made: train.csv 300, valid.csv 1000, test.csv 1000 pairs\n");
  ASSERT_EQ(qkv({"data", "dates", "--pairs", "300", "--seed", "5", "--out", "again"}).exit_code, 0);
  for (const std::string file : {"train", "valid", "test"})
    EXPECT_EQ(qkv.text_of("made/" + file + ".csv"), qkv.text_of("again/" + file + ".csv"));
  const Outcome other = qkv({"data", "dates", "--pairs", "300", "--seed", "6", "--out", "made"});
  EXPECT_EQ(other.exit_code, 1);
  EXPECT_TRUE(contains(other.errors, "exists already"));
  EXPECT_EQ(qkv({"data", "dates", "--pairs", "300", "--seed", "6", "--out", "made", "--overwrite"}).exit_code, 0);
  EXPECT_EQ(qkv({"data", "check", "made"}).exit_code, 0);
}

TEST(DatesCommand, SaysHowManyPairsThereAre) {
  const Program qkv;
  const Outcome outcome = qkv({"data", "dates", "--pairs", "999999", "--out", "made"});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_TRUE(matches(outcome.errors,
                      "qkv: error: --pairs 999999: there are [0-9]+ different training pairs, and "
                      "999999 is more\n(.|\n)*"));
  EXPECT_FALSE(std::filesystem::exists(qkv.folder() / "made"));
}

TEST(DatesCommandSlow, MakesWhatASmallModelLearnsToReadByLookingAtTheRightCharacters) {
  const Program qkv;
  ASSERT_EQ(qkv({"data", "dates", "--pairs", "3000", "--out", "dates"}).exit_code, 0);
  const Outcome trained = qkv({"train",
                               "--train",
                               "dates/train.csv",
                               "--test",
                               "dates/test.csv",
                               "--out",
                               "run",
                               "--tokenizer",
                               "char",
                               "--model",
                               "rnn-attention",
                               "--hidden",
                               "64",
                               "--embedding",
                               "32",
                               "--batch-size",
                               "32",
                               "--steps",
                               "600",
                               "--warmup",
                               "50",
                               "--lr",
                               "5e-3"});
  ASSERT_EQ(trained.exit_code, 0) << trained.errors;
  const auto scores = nlohmann::json::parse(qkv.text_of("run/test.json"))["test"];
  EXPECT_GE(scores["exact_match"], 0.9);  // of days that it has seen in no form
  double least = 1;
  for (const auto& reading : scores["aer"]) least = std::min(least, reading["aer"].get<double>());
  EXPECT_LT(least, 0.6);
  EXPECT_GT(scores["aer_diagonal"], 0.7);
  EXPECT_EQ(scores["aer_floor"], 0);
  EXPECT_EQ(qkv({"translate", "run", "2026년 11월 23일 월요일"}).output, "2026-11-23\n");
}

}  // namespace
}  // namespace qkv
