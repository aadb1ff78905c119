#include "qkv/translation/training_data.h"
#include "tests/cli/small_data.h"

namespace qkv {
namespace {

// The grammar itself is tested in tests/datasets; here is what the command adds to it.
TEST(DataCommandSlow, WritesFiveFilesThatFollowFromTheSeed) {
  const Program qkv;
  const Outcome first = qkv({"data", "korean-english", "--seed", "7", "--out", "made/here"});
  ASSERT_EQ(first.exit_code, 0) << first.errors;
  EXPECT_EQ(first.errors, "");
  EXPECT_EQ(first.output,
            "made/here: train.csv 30000, valid.csv 1000, test.csv 1000, long.csv 500, composition.csv 500 pairs\n");
  ASSERT_EQ(qkv({"data", "korean-english", "--seed", "7", "--out", "again"}).exit_code, 0);
  std::vector<std::string> files{"train", "valid"};
  files.insert(files.end(), test_sets.begin(), test_sets.end());
  for (const std::string& file : files)
    EXPECT_EQ(qkv.text_of("made/here/" + file + ".csv"), qkv.text_of("again/" + file + ".csv"));
  EXPECT_EQ(read_pairs(qkv.folder() / "again/train.csv").size(), 30'000U);
  ASSERT_EQ(qkv({"data", "korean-english", "--seed", "8", "--out", "other"}).exit_code, 0);
  EXPECT_NE(qkv.text_of("other/train.csv"), qkv.text_of("again/train.csv"));
}

TEST(DataCommand, RefusesNumbersThatMakeNoSense) {
  const Program qkv;
  const Outcome none = qkv({"data", "korean-english", "--pairs", "0", "--out", "d"});
  EXPECT_EQ(none.exit_code, 2);
  EXPECT_TRUE(contains(none.errors, "--pairs 0"));
  const Outcome word = qkv({"data", "korean-english", "--pairs", "many", "--out", "d"});
  EXPECT_EQ(word.exit_code, 2);
  EXPECT_TRUE(contains(word.errors, "--pairs"));
  const Outcome negative = qkv({"data", "korean-english", "--seed", "-1", "--out", "d"});
  EXPECT_EQ(negative.exit_code, 2);
  EXPECT_TRUE(contains(negative.errors, "--seed -1 is out of range; it must be from 0 to 18446744073709551615"));
  EXPECT_FALSE(std::filesystem::exists(qkv.folder() / "d"));
}

}  // namespace
}  // namespace qkv
