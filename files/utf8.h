#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace qkv {

/// A code point, and how many bytes it takes in UTF-8.
struct Character {
  char32_t code;
  std::size_t bytes;
};

/// The character that a text begins with; nothing where the text is empty or does not begin with valid UTF-8 (RFC 3629:
/// no longer form than needed, no surrogate, nothing beyond U+10FFFF).
std::optional<Character> first_character(std::string_view text);

/// The offset of the first byte that is not part of valid UTF-8; nothing when all of it is.
std::optional<std::size_t> invalid_utf8(std::string_view text);

/// The code points of a text. Throws std::invalid_argument with the character's number (from 1) where it is not UTF-8.
std::u32string code_points(std::string_view text);

/// Writes a code point, at most U+10FFFF, behind a text.
void append_utf8(std::string& text, char32_t code);

/// Calls visit(code point, offset of its first byte, number of its bytes) for each character. Throws
/// std::invalid_argument with the character's number (from 1) where the text is not UTF-8.
template <class Visit>
void for_each_character(std::string_view text, Visit visit);

namespace detail {
[[noreturn]] void fail_at_character(std::size_t number, char byte);
}

template <class Visit>
void for_each_character(std::string_view text, Visit visit) {
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size();) {
    ++count;
    if (static_cast<unsigned char>(text[at]) < 0x80) {  // most of most files, without a call
      visit(static_cast<char32_t>(text[at]), at, std::size_t{1});
      ++at;
      continue;
    }
    const std::optional<Character> character = first_character(text.substr(at));
    if (!character) detail::fail_at_character(count, text[at]);
    visit(character->code, at, character->bytes);
    at += character->bytes;
  }
}

}  // namespace qkv
