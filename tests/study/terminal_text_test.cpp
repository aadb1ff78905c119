#include "qkv/study/terminal_text.h"

#include <gtest/gtest.h>

namespace qkv {
namespace {

TEST(TerminalText, IsBrokenBetweenWords) {
  EXPECT_EQ(in_lines("one two three", 80, 2), "  one two three\n");
  EXPECT_EQ(in_lines("one two three", 9, 2), "  one two\n  three\n");
  EXPECT_EQ(in_lines("one two three", 8, 2), "  one\n  two\n  three\n");
  EXPECT_EQ(in_lines("하나 둘 a", 7, 0), "하나 둘\na\n") << "a syllable takes two columns";
  EXPECT_EQ(in_lines("a decoder.layers.0 b", 6, 1), " a\n decoder.layers.0\n b\n");
}

}  // namespace
}  // namespace qkv
