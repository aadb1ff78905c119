#include "tests/docs/document.h"

#include <fstream>
#include <gtest/gtest.h>

namespace qkv {
namespace {

using Lines = std::vector<std::string>;

TEST(Document, OutputIsComparedLineByLine) {
  EXPECT_TRUE(matches({"a", "", "b"}, {"a", "", "b"}));
  EXPECT_FALSE(matches({"a"}, {"a", "b"}));
  EXPECT_FALSE(matches({"a", "b"}, {"a"}));
  EXPECT_FALSE(matches({"1.00"}, {"1.01"}));
}

TEST(Document, DotsStandForLeftOutText) {
  EXPECT_TRUE(matches({"a", "...", "d"}, {"a", "b", "c", "d"}));
  EXPECT_TRUE(matches({"a", "...", "d"}, {"a", "d"}));
  EXPECT_FALSE(matches({"a", "...", "d"}, {"a", "b"}));
  EXPECT_TRUE(matches({"loss ..., done in ... s"}, {"loss 0.12, done in 3 s"}));
  EXPECT_FALSE(matches({"loss ..., done in ... s"}, {"loss 0.12, done"}));
  EXPECT_FALSE(matches({"ab...ba"}, {"aba"}));
  EXPECT_TRUE(matches({"..."}, {}));
}

TEST(Document, QuotedLinesStandInTheFile) {
  const Lines file{"int main() {", "  one();", "  two();", "  three();", "}"};
  EXPECT_TRUE(quotes({"one();", "two();"}, file));
  EXPECT_TRUE(quotes({"int main() {", "  ...", "  three();"}, file));
  EXPECT_FALSE(quotes({"one();", "three();"}, file));
  EXPECT_FALSE(quotes({"two();", "...", "one();"}, file));
  EXPECT_FALSE(quotes({"two()"}, file));
}

TEST(Document, CallsInAShellScriptAreFound) {
  const Lines script{"export PATH=\"$PWD/build:$PATH\"  # qkv is there",
                     "for seed in 1 2; do",
                     "  qkv train --out runs/$seed \\",
                     "      --seed $seed  # qkv comment --none",
                     "done; qkv eval \"a # b; c\" --json | grep qkv && qkv bench",
                     "cp qkv elsewhere"};
  const std::vector<Call> calls = calls_of(script, "qkv");
  ASSERT_EQ(calls.size(), 3U);
  EXPECT_EQ(calls[0].words, (Lines{"train", "--out", "runs/$seed", "--seed", "$seed"}));
  EXPECT_EQ(calls[0].line, 2);
  EXPECT_EQ(calls[1].words, (Lines{"eval", "a # b; c", "--json"}));
  EXPECT_EQ(calls[1].line, 4);
  EXPECT_EQ(calls[2].words, Lines{"bench"});
}

TEST(Document, OptionsInAHelpTextAreFound) {
  const Lines help{"Usage: qkv train --no", "  -h,--help    Print", "  --model a|b  not --this",
                   "               one",    "  --resume",           "Example:",
                   "  qkv --other"};
  EXPECT_EQ(options_of(help), (Lines{"-h", "--help", "--model", "--resume"}));
}

TEST(Document, BlocksAndCommandsAreFound) {
  const std::string path = testing::TempDir() + "qkv-document.md";
  std::ofstream(path)
      << "Text.\n```cpp some/file.h\nint x;\n```\n```console\n$ qkv \\\n    --help\nusage\n\n$ true\n```\n";
  const std::vector<Block> blocks = read_blocks(path);
  ASSERT_EQ(blocks.size(), 2U);
  EXPECT_EQ(blocks[0].language, "cpp");
  EXPECT_EQ(blocks[0].file, "some/file.h");
  EXPECT_EQ(blocks[0].lines, Lines{"int x;"});
  EXPECT_EQ(read_prose(path), Lines{"Text."});
  const std::vector<Command> commands = commands_of(blocks[1]);
  ASSERT_EQ(commands.size(), 2U);
  EXPECT_EQ(commands[0].text, "qkv \\\n    --help");
  EXPECT_EQ(commands[0].line, 6);
  EXPECT_EQ(commands[0].output, Lines{"usage"});
  EXPECT_TRUE(commands[1].output.empty());
  std::ofstream(path) << "```console\n$ true\n";
  EXPECT_THROW(read_blocks(path), std::runtime_error);
}

}  // namespace
}  // namespace qkv
