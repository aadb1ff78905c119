#include "qkv/datasets/korean_english/hangul.h"

#include <fmt/format.h>
#include <optional>
#include <stdexcept>

#include "qkv/autograd/check.h"
#include "qkv/files/utf8.h"

namespace qkv::grammar {
namespace {

constexpr int first_syllable = 0xAC00, last_syllable = 0xD7A3, vowels = 21, tails = 28;

}  // namespace

std::vector<Syllable> decompose(std::string_view word) {
  std::vector<Syllable> syllables;
  std::size_t at = 0;
  while (at < word.size()) {
    const std::optional<Character> character = first_character(word.substr(at));
    const int code = character ? static_cast<int>(character->code) : -1;
    if (code < first_syllable || code > last_syllable)
      throw std::invalid_argument(fmt::format("hangul: '{}' is not written in Hangul syllables only", word));
    const int index = code - first_syllable;
    syllables.push_back({index / (vowels * tails), index / tails % vowels, index % tails});
    at += character->bytes;
  }
  return syllables;
}

std::string compose(const std::vector<Syllable>& syllables) {
  std::string word;
  for (const Syllable& syllable : syllables) {
    const auto code = first_syllable + (syllable.lead * vowels + syllable.vowel) * tails + syllable.tail;
    append_utf8(word, static_cast<char32_t>(code));
  }
  return word;
}

int final_consonant(std::string_view word) {
  const std::vector<Syllable> syllables = decompose(word);
  check(!syllables.empty(), "hangul: an empty word has no final consonant");
  return syllables.back().tail;
}

}  // namespace qkv::grammar
