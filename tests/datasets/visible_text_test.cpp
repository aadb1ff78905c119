#include "qkv/datasets/visible_text.h"

#include <gtest/gtest.h>

#include "qkv/datasets/text.h"

namespace qkv {
namespace {

TEST(VisibleText, ShowsControlAndFormatCharactersByTheirCodePoint) {
  EXPECT_EQ(visible("a\033[31mb\a\x7f"), "a\\u{1b}[31mb\\u{7}\\u{7f}");
  EXPECT_EQ(visible("\u009b31m"), "\\u{9b}31m") << "the one character that a terminal may read as ESC [";
  EXPECT_EQ(visible("하\u200b나"), "하\\u{200b}나");
  EXPECT_EQ(visible("\u202etxt.exe\u2066\ufeff\u00ad"), "\\u{202e}txt.exe\\u{2066}\\u{feff}\\u{ad}");
  EXPECT_EQ(visible("\U000e0041"), "\\u{e0041}");
  EXPECT_EQ(visible(std::string_view("a\0b", 3)), "a\\u{0}b");
  EXPECT_EQ(visible("a\tb\r\n"), "a\\u{9}b\\u{d}\\u{a}");
  EXPECT_EQ(visible_lines("a\tb\r\n"), "a\\u{9}b\\u{d}\n");
}

TEST(VisibleText, LeavesWhatCanBeSeen) {
  for (const char* text : {"", "나는 학교에 갑니다.", "naïve \"quotes\" \\u{1b} █░·…", "e\u0301", "👍🏽"}) {
    EXPECT_EQ(visible(text), text);
    EXPECT_EQ(visible_json(text), text);
  }
}

TEST(VisibleText, ShowsBytesThatAreNotUtf8) {
  EXPECT_EQ(visible("a\xff\xc3"), "a\\x{ff}\\x{c3}");
  EXPECT_EQ(visible("\xed\xa0\x80"), "\\x{ed}\\x{a0}\\x{80}") << "a surrogate";
  EXPECT_EQ(visible("\x9b"), "\\x{9b}");
  EXPECT_NO_THROW(columns(visible("\xff\xe1\x80")));
}

TEST(VisibleText, JsonStaysTheSameData) {
  EXPECT_EQ(visible_json("{\n  \"a\u009b\": \"\x7f\u200d\"\n}"), "{\n  \"a\\u009b\": \"\\u007f\\u200d\"\n}");
  EXPECT_EQ(visible_json("\"\U000e0041\""), "\"\\udb40\\udc41\"") << "as two surrogates";
}

TEST(VisibleText, QuotesShortenWhatIsLongAndSayHowLongItIs) {
  EXPECT_EQ(in_quotes("하\u200b나"), "\"하\\u{200b}나\"");
  EXPECT_EQ(in_quotes("abcde", 5), "\"abcde\"");
  EXPECT_EQ(in_quotes("abcdef", 5), "\"abcde…\" (6 characters)");
  EXPECT_EQ(in_quotes("하나둘", 5), "\"하나…\" (3 characters)") << "a syllable takes two columns";
  EXPECT_EQ(in_quotes(std::string(1'000'000, 'a')), "\"" + std::string(60, 'a') + "…\" (1000000 characters)");
}

}  // namespace
}  // namespace qkv
