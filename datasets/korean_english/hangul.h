#pragma once

#include <string>
#include <string_view>
#include <vector>

/// Hangul syllables. Unicode orders the 11,172 modern syllables by their letters, so that a syllable is
/// U+AC00 + (lead · 21 + vowel) · 28 + tail (The Unicode Standard, section 3.12).
namespace qkv::grammar {

/// Leading consonants, vowels and tails (final consonants; 0 is none), numbered as Unicode numbers them.
namespace lead {
inline constexpr int r = 5, silent = 11;
}
namespace vowel {
inline constexpr int a = 0, ae = 1, ya = 2, yae = 3, eo = 4, e = 5, yeo = 6, o = 8, wa = 9, wae = 10, oe = 11, u = 13,
                     wo = 14, eu = 18, i = 20;
}
namespace tail {
inline constexpr int none = 0, n = 4, d = 7, l = 8, b = 17, s = 19, ss = 20, h = 27;
}

struct Syllable {
  int lead = lead::silent;
  int vowel = 0;
  int tail = 0;
  friend bool operator==(const Syllable&, const Syllable&) = default;
};

/// The syllables of a word written in Hangul only. Throws std::invalid_argument at any other character.
std::vector<Syllable> decompose(std::string_view word);

/// The word of these syllables, in UTF-8 (NFC).
std::string compose(const std::vector<Syllable>& syllables);

/// The final consonant of a word, `tail::none` if it ends in a vowel.
int final_consonant(std::string_view word);

}  // namespace qkv::grammar
