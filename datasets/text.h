#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace qkv {

/// Text is UTF-8 everywhere. A character is a code point. Every function here throws std::invalid_argument with the
/// character's number (from 1) where its argument is not UTF-8.

/// A sentence as its words.
using Sentence = std::vector<std::string>;

/// Normalisation form C, so that the same letters are the same bytes (Unicode Standard Annex 15).
std::string compose(std::string_view text);

/// Normalisation form D, as code points: accents apart from their letters, Hangul syllables as their jamo, so that the
/// edit_distance of 학교에 and 학교는 is a jamo or three where it would otherwise be a third of the word.
std::u32string decompose(std::string_view text);

/// The words between spaces: any run of characters with the Unicode property White_Space, among them the no-break
/// space (U+00A0) and the ideographic space (U+3000). Leading and trailing spaces make no empty words.
Sentence split_words(std::string_view text);

/// The words with one space between each two.
std::string join_words(const Sentence& words);

/// How many terminal columns a text takes: two for Hangul and other wide characters, none for combining marks, for
/// the later jamo of a decomposed syllable and for control characters.
int columns(std::string_view text);

/// Which of the words is most like this one: the one with the least edit distance between letters (of Hangul: jamo), of
/// those the one with the longest common beginning, of those the first. Nothing where none is near, which is where more
/// than two fifths of the letters would change, or where this one has more than 200 letters, so that the time is
/// bounded by how long the words are together.
std::optional<std::size_t> nearest_word(std::string_view word, std::span<const std::string> words);

}  // namespace qkv
