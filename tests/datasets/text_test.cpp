#include "qkv/datasets/text.h"

#include <gtest/gtest.h>
#include <stdexcept>

#include "qkv/files/message.h"
#include "qkv/files/utf8.h"
#include "tests/files/temporary_folder.h"

namespace qkv {
namespace {

std::size_t distance(std::string_view a, std::string_view b) { return edit_distance(decompose(a), decompose(b)); }

TEST(Text, NormalisesToNfc) {
  EXPECT_EQ(compose("plain"), "plain");
  EXPECT_EQ(compose("e\xcc\x81"), "\xc3\xa9");
  EXPECT_EQ(compose("\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab"), "한");
  EXPECT_EQ(compose("\xe2\x84\xab"), "\xc3\x85");      // the ångström sign is the letter Å
  EXPECT_EQ(compose("\xef\xac\x81"), "\xef\xac\x81");  // a ligature stays: NFC, not NFKC
  EXPECT_EQ(compose(std::string_view("한\0b", 5)), std::string("한\0b", 5));
}

TEST(Text, NormalisesEveryCharacterAlikeWhateverStandsBesideIt) {
  const std::string sign = "\xe2\x84\xab", letter = "\xc3\x85";  // the ångström sign, which NFC makes a letter
  for (char32_t code = 1; code < 0x30000; ++code) {
    if (code >= 0xd800 && code <= 0xdfff) continue;
    std::string character;
    append_utf8(character, code);
    ASSERT_EQ(compose(character + "x" + sign), compose(character) + "x" + letter) << static_cast<unsigned>(code);
  }
}

TEST(Text, NamesTheCharacterThatIsInvalid) {
  EXPECT_EQ(message_of<std::invalid_argument>([] { compose("한글\xe9 x"); }),
            "invalid UTF-8 at character 3: byte 0xe9");
  EXPECT_THROW(split_words("\xff"), std::invalid_argument);
  EXPECT_THROW(columns("\xff"), std::invalid_argument);
  EXPECT_THROW(decompose("\xff"), std::invalid_argument);
}

TEST(Text, SplitsAtEverySpaceOfUnicodeAndNowhereElse) {
  std::string text = "a";
  std::size_t count = 1;
  for (const char32_t space :
       U"\t\n\v\f\r \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008"
       U"\u2009\u200a\u2028\u2029\u202f\u205f\u3000") {
    if (space == 0) continue;
    const std::string bytes =
        space < 0x80 ? std::string(1, static_cast<char>(space))
        : space < 0x800
            ? std::string{static_cast<char>(0xc0 | (space >> 6)), static_cast<char>(0x80 | (space & 0x3f))}
            : std::string{static_cast<char>(0xe0 | (space >> 12)), static_cast<char>(0x80 | ((space >> 6) & 0x3f)),
                          static_cast<char>(0x80 | (space & 0x3f))};
    text += bytes + "b";
    ++count;
  }
  EXPECT_EQ(count, 26u);
  EXPECT_EQ(split_words(text).size(), count);
  EXPECT_EQ(split_words("a\xe2\x80\x8b"
                        "b")
                .size(),
            1u);  // zero width space: no White_Space
  EXPECT_TRUE(split_words("").empty());
  EXPECT_TRUE(split_words(" \xe3\x80\x80").empty());
  EXPECT_EQ(join_words(split_words("  a  b ")), "a b");
}

TEST(Text, MeasuresTerminalColumns) {
  EXPECT_EQ(columns("go to"), 5);
  EXPECT_EQ(columns("학교에"), 6);
  EXPECT_EQ(columns("\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab"), 2);  // 한 as three jamo
  EXPECT_EQ(columns("cafe\xcc\x81"), 4);
  EXPECT_EQ(columns("漢字 ▁░▒▓█"), 10);
  EXPECT_EQ(columns("ㄱ"), 2);
  EXPECT_EQ(columns("…·→"), 3);
  EXPECT_EQ(columns(""), 0);
  EXPECT_EQ(columns("\n"), 0);
}

TEST(Text, MeasuresHangulByItsLetters) {
  EXPECT_EQ(distance("학교", "학교"), 0u);
  EXPECT_EQ(distance("갑니다", "옵니다"), 2u);
  EXPECT_EQ(distance("간", "가"), 1u);
  EXPECT_LT(distance("학교에", "학교는"), distance("학교에", "학생"));
  EXPECT_LT(distance("학교에", "학교의"), distance("학교에", "병원에"));
  EXPECT_EQ(distance("café", "cafe"), 1u);
}

}  // namespace
}  // namespace qkv
