#include "qkv/files/utf8.h"

#include <gtest/gtest.h>
#include <stdexcept>

#include "tests/files/temporary_folder.h"

namespace qkv {
namespace {

TEST(Utf8, FindsTheFirstInvalidByte) {
  EXPECT_EQ(invalid_utf8("한 caf\xc3\xa9 \xf0\x9f\x98\x80"), std::nullopt);
  EXPECT_EQ(invalid_utf8("한\xff"), 3u);
  EXPECT_EQ(invalid_utf8("a\xed\xa0\x80"), 1u);      // a surrogate
  EXPECT_EQ(invalid_utf8("a\xc0\xaf"), 1u);          // an overlong slash
  EXPECT_EQ(invalid_utf8("ab\xe1\x84"), 2u);         // cut off
  EXPECT_EQ(invalid_utf8("a\xf4\x90\x80\x80"), 1u);  // beyond U+10FFFF
}

TEST(Utf8, ReadsWhatItWritesForEveryCharacter) {
  for (char32_t code = 0; code <= 0x10ffff; ++code) {
    if (code >= 0xd800 && code <= 0xdfff) continue;  // surrogates are none
    std::string text;
    append_utf8(text, code);
    const std::optional<Character> character = first_character(text + "x");
    ASSERT_TRUE(character.has_value()) << static_cast<unsigned>(code);
    ASSERT_EQ(character->code, code);
    ASSERT_EQ(character->bytes, text.size());
    for (std::size_t size = 0; size < text.size(); ++size)
      ASSERT_FALSE(first_character(std::string_view(text).substr(0, size))) << static_cast<unsigned>(code);
  }
}

/// Of all texts of three bytes those are valid that hold a character of three bytes, or shorter ones.
TEST(Utf8, AcceptsNothingElse) {
  std::size_t characters = 0;
  for (unsigned bytes = 0; bytes < 1U << 24U; ++bytes) {
    const char text[] = {static_cast<char>(bytes >> 16U), static_cast<char>(bytes >> 8U), static_cast<char>(bytes)};
    if (const auto character = first_character({text, 3}); character && character->bytes == 3) {
      ++characters;
      std::string again;
      append_utf8(again, character->code);
      ASSERT_EQ(again, std::string(text, 3));
    }
  }
  EXPECT_EQ(characters, 0x10000U - 0x800U - 0x800U);  // neither those of one or two bytes nor the surrogates
}

TEST(Utf8, NamesTheCharacterThatIsInvalid) {
  EXPECT_EQ(code_points("a한😀"), U"a한😀");
  EXPECT_EQ(message_of<std::invalid_argument>([] { code_points("한글\xe9 x"); }),
            "invalid UTF-8 at character 3: byte 0xe9");
}

}  // namespace
}  // namespace qkv
