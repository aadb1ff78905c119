#include "qkv/datasets/korean_english/hangul.h"

#include <fmt/format.h>
#include <stdexcept>
#include <utf8proc.h>

namespace qkv::grammar {
namespace {

constexpr int first_syllable = 0xAC00, last_syllable = 0xD7A3, vowels = 21, tails = 28;

}  // namespace

std::vector<Syllable> decompose(std::string_view word) {
  std::vector<Syllable> syllables;
  std::size_t at = 0;
  while (at < word.size()) {
    utf8proc_int32_t code = -1;
    const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(word.data() + at);
    const auto length = utf8proc_iterate(bytes, static_cast<utf8proc_ssize_t>(word.size() - at), &code);
    if (length <= 0 || code < first_syllable || code > last_syllable)
      throw std::invalid_argument(fmt::format("hangul: '{}' is not written in Hangul syllables only", word));
    const int index = code - first_syllable;
    syllables.push_back({index / (vowels * tails), index / tails % vowels, index % tails});
    at += static_cast<std::size_t>(length);
  }
  return syllables;
}

std::string compose(const std::vector<Syllable>& syllables) {
  std::string word;
  for (const Syllable& syllable : syllables) {
    utf8proc_uint8_t bytes[4];
    const auto code = first_syllable + (syllable.lead * vowels + syllable.vowel) * tails + syllable.tail;
    const auto length = utf8proc_encode_char(code, bytes);
    word.append(bytes, bytes + length);
  }
  return word;
}

int final_consonant(std::string_view word) {
  const std::vector<Syllable> syllables = decompose(word);
  if (syllables.empty()) throw std::invalid_argument("hangul: an empty word has no final consonant");
  return syllables.back().tail;
}

}  // namespace qkv::grammar
