#include "qkv/datasets/text.h"

#include <algorithm>
#include <cstdlib>
#include <fmt/format.h>
#include <memory>
#include <new>
#include <numeric>
#include <stdexcept>
#include <utf8proc.h>
#include <utility>

namespace qkv {
namespace {

const utf8proc_uint8_t* utf8_bytes(std::string_view text) {
  return reinterpret_cast<const utf8proc_uint8_t*>(text.data());
}

/// Calls visit(code point, offset of its first byte, number of its bytes) for each character, and returns the number
/// of bytes that are valid: all of them, or those before the first that is not.
template <class Visit>
std::size_t for_each_character(std::string_view text, Visit visit) {
  std::size_t at = 0;
  while (at < text.size()) {
    utf8proc_int32_t character = 0;
    const auto rest = static_cast<utf8proc_ssize_t>(text.size() - at);
    const utf8proc_ssize_t length = utf8proc_iterate(utf8_bytes(text) + at, rest, &character);
    if (length < 0) return at;
    visit(character, at, static_cast<std::size_t>(length));
    at += static_cast<std::size_t>(length);
  }
  return at;
}

/// The same for text that must be UTF-8.
template <class Visit>
void for_each_valid_character(std::string_view text, Visit visit) {
  std::size_t count = 0;
  const std::size_t valid = for_each_character(text, [&](utf8proc_int32_t character, std::size_t at, std::size_t size) {
    ++count;
    visit(character, at, size);
  });
  if (valid < text.size()) {
    throw std::invalid_argument(fmt::format("invalid UTF-8 at character {}: byte 0x{:02x}", count + 1,
                                            static_cast<unsigned char>(text[valid])));
  }
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

/// The property White_Space: the separators, and the controls from tab to carriage return and next line.
bool is_space(utf8proc_int32_t character) {
  if (character < 0x80) return character == ' ' || (character >= '\t' && character <= '\r');
  if (character == 0x85) return true;
  const utf8proc_category_t category = utf8proc_category(character);
  return category == UTF8PROC_CATEGORY_ZS || category == UTF8PROC_CATEGORY_ZL || category == UTF8PROC_CATEGORY_ZP;
}

/// Calls visit(word) for each run of characters that are no spaces.
template <class Visit>
void for_each_word(std::string_view text, Visit visit) {
  std::size_t begin = 0;
  const auto end_word = [&](std::size_t end) {
    if (end > begin) visit(text.substr(begin, end - begin));
  };
  for_each_valid_character(text, [&](utf8proc_int32_t character, std::size_t at, std::size_t size) {
    if (!is_space(character)) return;
    end_word(at);
    begin = at + size;
  });
  end_word(text.size());
}

int character_columns(utf8proc_int32_t character) {
  // The vowels and final consonants of decomposed Hangul are drawn inside the syllable that the first jamo opened.
  if ((character >= 0x1160 && character <= 0x11ff) || (character >= 0xd7b0 && character <= 0xd7fb)) return 0;
  return utf8proc_charwidth(character);
}

std::string map(std::string_view text, int options) {
  utf8proc_uint8_t* result = nullptr;
  const utf8proc_ssize_t length = utf8proc_map(utf8_bytes(text), static_cast<utf8proc_ssize_t>(text.size()), &result,
                                               static_cast<utf8proc_option_t>(options));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(result, &std::free);
  if (length == UTF8PROC_ERROR_NOMEM) throw std::bad_alloc();
  if (length < 0) throw std::invalid_argument(fmt::format("normalise: {}", utf8proc_errmsg(length)));
  return std::string(reinterpret_cast<const char*>(result), static_cast<std::size_t>(length));
}

}  // namespace

std::optional<std::size_t> invalid_utf8(std::string_view text) {
  if (is_ascii(text)) return std::nullopt;
  const std::size_t valid = for_each_character(text, [](utf8proc_int32_t, std::size_t, std::size_t) {});
  return valid == text.size() ? std::nullopt : std::optional(valid);
}

std::u32string code_points(std::string_view text) {
  std::u32string result;
  for_each_valid_character(text, [&](utf8proc_int32_t character, std::size_t, std::size_t) {
    result.push_back(static_cast<char32_t>(character));
  });
  return result;
}

std::string normalise(std::string_view text) {
  if (is_ascii(text)) return std::string(text);
  for_each_valid_character(text, [](utf8proc_int32_t, std::size_t, std::size_t) {});
  return map(text, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
}

std::u32string decompose(std::string_view text) {
  if (is_ascii(text)) return code_points(text);
  for_each_valid_character(text, [](utf8proc_int32_t, std::size_t, std::size_t) {});
  return code_points(map(text, UTF8PROC_STABLE | UTF8PROC_DECOMPOSE));
}

std::vector<std::string> split_words(std::string_view text) {
  std::vector<std::string> words;
  std::size_t count = 0;
  for_each_word(text, [&](std::string_view) { ++count; });
  words.reserve(count);  // a long line's words would otherwise take twice their memory while they grow
  for_each_word(text, [&](std::string_view word) { words.emplace_back(word); });
  return words;
}

std::string join_words(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    if (&word != &words.front()) text += ' ';
    text += word;
  }
  return text;
}

std::string excerpt(std::string_view text, std::size_t most) {
  constexpr std::string_view end = "…";
  if (text.size() <= most) return std::string(text);
  std::size_t kept = most - std::min(most, end.size());
  while (kept > 0 && (static_cast<unsigned char>(text[kept]) & 0xc0) == 0x80) --kept;
  return std::string(text.substr(0, kept)).append(end);
}

int columns(std::string_view text) {
  int sum = 0;
  for_each_valid_character(
      text, [&](utf8proc_int32_t character, std::size_t, std::size_t) { sum += character_columns(character); });
  return sum;
}

std::size_t edit_distance(std::u32string_view a, std::u32string_view b) {
  // row[j] is the distance from the characters of a read so far to the first j of b.
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (const char32_t character : a) {
    std::size_t diagonal = row[0]++;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (character == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

std::optional<std::size_t> nearest_word(std::string_view word, std::span<const std::string> words) {
  constexpr std::size_t most_letters = 200;
  const std::u32string letters = decompose(word);
  if (letters.size() > most_letters) return std::nullopt;
  std::optional<std::size_t> nearest;
  std::pair<std::size_t, std::ptrdiff_t> least;  // the distance, and less the letters of the common beginning
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::u32string other = decompose(words[i]);
    const std::size_t shorter = std::min(letters.size(), other.size());
    if (nearest && std::max(letters.size(), other.size()) - shorter > least.first) continue;  // no less than that
    const auto common =
        std::mismatch(letters.begin(), letters.end(), other.begin(), other.end()).first - letters.begin();
    const std::pair measure(edit_distance(letters, other), -common);
    if (nearest && measure >= least) continue;
    least = measure;
    nearest = i;
  }
  return nearest;
}

}  // namespace qkv
