#include "qkv/datasets/text.h"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <new>
#include <utf8proc.h>
#include <utility>

#include "qkv/autograd/check.h"
#include "qkv/files/message.h"
#include "qkv/files/utf8.h"

namespace qkv {
namespace {

const utf8proc_uint8_t* utf8_bytes(std::string_view text) {
  return reinterpret_cast<const utf8proc_uint8_t*>(text.data());
}

void require_utf8(std::string_view text) {
  for_each_character(text, [](char32_t, std::size_t, std::size_t) {});
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

/// The property White_Space: the separators, and the controls from tab to carriage return and next line.
bool is_space(char32_t character) {
  if (character < 0x80) return character == ' ' || (character >= '\t' && character <= '\r');
  if (character == 0x85) return true;
  if (character > 0x3000) return false;  // the ideographic space is the last
  const utf8proc_category_t category = utf8proc_category(static_cast<utf8proc_int32_t>(character));
  return category == UTF8PROC_CATEGORY_ZS || category == UTF8PROC_CATEGORY_ZL || category == UTF8PROC_CATEGORY_ZP;
}

/// Calls visit(word) for each run of characters that are no spaces.
template <class Visit>
void for_each_word(std::string_view text, Visit visit) {
  std::size_t begin = 0;
  const auto end_word = [&](std::size_t end) {
    if (end > begin) visit(text.substr(begin, end - begin));
  };
  for_each_character(text, [&](char32_t character, std::size_t at, std::size_t size) {
    if (!is_space(character)) return;
    end_word(at);
    begin = at + size;
  });
  end_word(text.size());
}

/// Whether each character stays as it is in NFC and joins with none beside it, as those of most texts do: letters of
/// European languages, Hangul syllables, Chinese characters. A quick check, before the tables of Unicode are asked.
bool is_surely_composed(std::string_view text) {
  bool is_composed = true;
  for_each_character(text, [&](char32_t character, std::size_t, std::size_t) {
    is_composed &= character < 0x300 || (character >= 0xac00 && character <= 0xd7a3) ||
                   (character >= 0x4e00 && character <= 0x9fff);
  });
  return is_composed;
}

int character_columns(char32_t character) {
  // The vowels and final consonants of decomposed Hangul are drawn inside the syllable that the first jamo opened.
  if ((character >= 0x1160 && character <= 0x11ff) || (character >= 0xd7b0 && character <= 0xd7fb)) return 0;
  return utf8proc_charwidth(static_cast<utf8proc_int32_t>(character));
}

std::string map(std::string_view text, int options) {
  utf8proc_uint8_t* result = nullptr;
  const utf8proc_ssize_t length = utf8proc_map(utf8_bytes(text), static_cast<utf8proc_ssize_t>(text.size()), &result,
                                               static_cast<utf8proc_option_t>(options));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(result, &std::free);
  if (length == UTF8PROC_ERROR_NOMEM) throw std::bad_alloc();
  check(length >= 0, "compose: {}", utf8proc_errmsg(length));
  return std::string(reinterpret_cast<const char*>(result), static_cast<std::size_t>(length));
}

}  // namespace

std::string compose(std::string_view text) {
  if (is_surely_composed(text)) return std::string(text);
  return map(text, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
}

std::u32string decompose(std::string_view text) {
  if (is_ascii(text)) return code_points(text);
  require_utf8(text);
  return code_points(map(text, UTF8PROC_STABLE | UTF8PROC_DECOMPOSE));
}

Sentence split_words(std::string_view text) {
  std::vector<std::string> words;
  // A long line's words would otherwise take twice their memory while they grow. Most spaces are this one, and most
  // stand alone.
  const auto spaces = static_cast<std::size_t>(std::count(text.begin(), text.end(), ' '));
  words.reserve(1 + std::min(spaces, text.size() / 2));
  for_each_word(text, [&](std::string_view word) { words.emplace_back(word); });
  return words;
}

std::string join_words(const Sentence& words) {
  std::string text;
  for (const std::string& word : words) {
    if (&word != &words.front()) text += ' ';
    text += word;
  }
  return text;
}

int columns(std::string_view text) {
  int sum = 0;
  for_each_character(text, [&](char32_t character, std::size_t, std::size_t) { sum += character_columns(character); });
  return sum;
}

std::optional<std::size_t> nearest_word(std::string_view word, std::span<const std::string> words) {
  constexpr std::size_t most_letters = 200;
  const std::u32string letters = decompose(word);
  if (letters.size() > most_letters) return std::nullopt;
  std::optional<std::size_t> nearest;
  std::size_t longer = 0;                        // of this word and the nearest
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
    longer = std::max(letters.size(), other.size());
  }
  return nearest && !are_near(least.first, longer) ? std::nullopt : nearest;
}

}  // namespace qkv
