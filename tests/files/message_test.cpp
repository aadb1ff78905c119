#include "qkv/files/message.h"

#include <gtest/gtest.h>

namespace qkv {
namespace {

TEST(Message, CountsWhatThereIs) {
  EXPECT_EQ(counted(0, "word"), "0 words");
  EXPECT_EQ(counted(1, "word"), "1 word");
  EXPECT_EQ(counted(2, "training pair"), "2 training pairs");
}

TEST(Message, ShortensBetweenCharacters) {
  EXPECT_EQ(excerpt("abc", 3), "abc");
  EXPECT_EQ(excerpt("abcdef", 5), "ab…");
  EXPECT_EQ(excerpt("한국어", 9), "한국어");
  EXPECT_EQ(excerpt("한국어", 8), "한…");  // three bytes each, and three for the dots
  EXPECT_EQ(excerpt("abcdef", 2), "…");
  EXPECT_EQ(excerpt("\x80\x80\x80\x80\x80", 4), "…");
}

TEST(Message, MeasuresEditDistance) {
  EXPECT_EQ(edit_distance(U"", U"abc"), 3u);
  EXPECT_EQ(edit_distance(U"abc", U""), 3u);
  EXPECT_EQ(edit_distance(U"kitten", U"sitting"), 3u);
  EXPECT_EQ(edit_distance(U"sunday", U"saturday"), 3u);
  EXPECT_EQ(edit_distance(U"same", U"same"), 0u);
}

}  // namespace
}  // namespace qkv
