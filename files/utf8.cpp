#include "qkv/files/utf8.h"

#include <fmt/format.h>
#include <stdexcept>

namespace qkv {

std::optional<Character> first_character(std::string_view text) {
  if (text.empty()) return std::nullopt;
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return Character{first, 1};
  const std::size_t bytes = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < bytes) return std::nullopt;
  char32_t code = first & (0xffU >> (bytes + 1));
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xc0U) != 0x80U) return std::nullopt;
    code = code << 6U | (byte(i) & 0x3fU);
  }
  const bool is_longer_than_needed = (bytes == 3 && code < 0x800) || (bytes == 4 && code < 0x10000);
  const bool is_surrogate = code >= 0xd800 && code <= 0xdfff;
  if (is_longer_than_needed || is_surrogate || code > 0x10ffff) return std::nullopt;
  return Character{code, bytes};
}

std::optional<std::size_t> invalid_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    if (static_cast<unsigned char>(text[at]) < 0x80) {  // most of most files, without a call
      ++at;
      continue;
    }
    const std::optional<Character> character = first_character(text.substr(at));
    if (!character) return at;
    at += character->bytes;
  }
  return std::nullopt;
}

std::u32string code_points(std::string_view text) {
  std::u32string result;
  for_each_character(text, [&](char32_t code, std::size_t, std::size_t) { result.push_back(code); });
  return result;
}

void append_utf8(std::string& text, char32_t code) {
  const auto more = [&](unsigned shift) { text += static_cast<char>(0x80U | (code >> shift & 0x3fU)); };
  if (code < 0x80) {
    text += static_cast<char>(code);
  } else if (code < 0x800) {
    text += static_cast<char>(0xc0U | code >> 6U);
    more(0);
  } else if (code < 0x10000) {
    text += static_cast<char>(0xe0U | code >> 12U);
    more(6);
    more(0);
  } else {
    text += static_cast<char>(0xf0U | code >> 18U);
    more(12);
    more(6);
    more(0);
  }
}

void detail::fail_at_character(std::size_t number, char byte) {
  throw std::invalid_argument(
      fmt::format("invalid UTF-8 at character {}: byte 0x{:02x}", number, static_cast<unsigned char>(byte)));
}

}  // namespace qkv
