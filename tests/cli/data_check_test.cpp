#include <nlohmann/json.hpp>

#include "tests/cli/small_data.h"

namespace qkv {
namespace {

TEST(DataCheckCommand, ShowsWhatAFolderHolds) {
  const Program qkv;
  write_small_data(qkv, 24, 8, 8);
  const Outcome outcome = qkv({"data", "check", "data"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.errors;
  EXPECT_EQ(outcome.errors, "");
  EXPECT_TRUE(contains(outcome.output,
                       "train: 24 pairs, 24 with gold links, in data/train.csv\n"
                       "  source  72 words, 3 to 3 a sentence (half up to 3), 8 different"))
      << outcome.output;
  EXPECT_TRUE(contains(outcome.output, "test: 8 pairs")) << outcome.output;
  EXPECT_TRUE(contains(outcome.output, "0 (0.00 %) do not occur in training")) << outcome.output;
  EXPECT_TRUE(contains(outcome.output, "in training too: 0 pairs (0.00 %), and 0 more of which only the source is\n"));
}

TEST(DataCheckCommand, NamesEveryLineThatCannotBeRead) {
  const Program qkv;
  qkv.folder().file("bad.csv", "source,target\na,b\nc,\n\"d,e\n\xff,f\na,b\na,c\n");
  const Outcome outcome = qkv({"data", "check", "bad.csv"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(outcome.errors, "qkv: error: bad.csv: 3 lines cannot be read; training would stop at the first\n");
  EXPECT_TRUE(contains(outcome.output, "left out: bad.csv:3: column \"target\", character 3: the sentence is empty\n"));
  EXPECT_TRUE(contains(outcome.output, "left out: bad.csv:4: "));
  EXPECT_TRUE(contains(outcome.output, "left out: bad.csv:5: "));
  EXPECT_TRUE(contains(outcome.output, "pairs that are there twice: 1, on the lines 6 (as 2)\n")) << outcome.output;
  EXPECT_TRUE(contains(outcome.output, "sources with another target too: 1, on the lines 7 (as 2)\n"));

  const Outcome as_json = qkv({"data", "check", "bad.csv", "--json"});
  EXPECT_EQ(as_json.exit_code, 1);
  const auto json = nlohmann::json::parse(as_json.output);
  EXPECT_EQ(json["bad"]["pairs"], 3);
  EXPECT_EQ(json["bad"]["errors"].size(), 3u);
  EXPECT_EQ(json["bad"]["duplicates"][0]["line"], 6);
  EXPECT_EQ(json["bad"]["source"]["lengths"], nlohmann::json({0, 3}));
}

TEST(DataCheckCommand, CountsWhatATrainingWithTheTokenizerWouldRead) {
  const Program qkv;
  ASSERT_EQ(qkv({"data", "dates", "--pairs", "400", "--out", "dates"}).exit_code, 0);
  const Outcome words = qkv({"data", "check", "dates"});
  EXPECT_EQ(words.exit_code, 0) << words.errors;
  EXPECT_TRUE(contains(words.output, "(100.00 %) do not occur in training: "));
  EXPECT_TRUE(contains(words.output, "no model can write these words; --tokenizer char or bpe cuts them"));
  const Outcome characters = qkv({"data", "check", "dates", "--tokenizer", "char"});
  EXPECT_EQ(characters.exit_code, 0) << characters.errors;
  EXPECT_TRUE(contains(characters.output, "  target  4000 characters, 10 to 10 a sentence (half up to 10), 11 differ"));
  EXPECT_TRUE(
      contains(characters.output, "  target  10000 characters, 10 to 10 a sentence (half up to 10), 11 differ"));
  EXPECT_EQ(characters.output.find("100.00 %"), std::string::npos) << characters.output;
  EXPECT_EQ(characters.output.find("no model can"), std::string::npos) << characters.output;
  const Outcome pieces = qkv({"data", "check", "dates", "--tokenizer", "bpe", "--bpe-size", "120", "--json"});
  ASSERT_EQ(pieces.exit_code, 0) << pieces.errors;
  const auto json = nlohmann::json::parse(pieces.output);
  EXPECT_EQ(json["train"]["tokenizer"], "bpe");
  EXPECT_EQ(json["test"]["target"]["unknown"], 0);
  EXPECT_LE(json["train"]["source"]["vocabulary"], 120);

  const Outcome too_small = qkv({"data", "check", "dates", "--tokenizer", "bpe", "--bpe-size", "5"});
  EXPECT_EQ(too_small.exit_code, 2);
  EXPECT_TRUE(contains(too_small.errors, "--bpe-size 5 is too small"));
  qkv.folder().file("empty.csv", "source,target\n");
  const Outcome empty = qkv({"data", "check", "empty.csv", "--tokenizer", "bpe"});
  EXPECT_EQ(empty.exit_code, 1);
  EXPECT_TRUE(contains(empty.errors, "there are no pairs"));
}

TEST(DataCheckCommand, SaysWhatIsMissing) {
  const Program qkv;
  qkv.folder().file("empty.csv", "source,target\n");
  const Outcome empty = qkv({"data", "check", "empty.csv"});
  EXPECT_EQ(empty.exit_code, 1);
  EXPECT_TRUE(contains(empty.errors, "empty.csv: nothing follows the header; there are no pairs")) << empty.errors;
  std::filesystem::create_directory(qkv.folder() / "folder");
  const Outcome folder = qkv({"data", "check", "folder"});
  EXPECT_EQ(folder.exit_code, 1);
  EXPECT_TRUE(contains(folder.errors, "there is no train.csv in this folder")) << folder.errors;
  const Outcome nothing = qkv({"data", "check", "nothing.csv"});
  EXPECT_EQ(nothing.exit_code, 1);
  EXPECT_TRUE(contains(nothing.errors, "nothing.csv")) << nothing.errors;
}

}  // namespace
}  // namespace qkv
