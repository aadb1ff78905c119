#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace qkv {

/// Text is UTF-8 everywhere. A character is a code point. Every function here except invalid_utf8 and excerpt throws
/// std::invalid_argument with the character's number (from 1) where its argument is not UTF-8.

/// The offset of the first byte that is not part of valid UTF-8; nothing when all of it is.
std::optional<std::size_t> invalid_utf8(std::string_view text);

/// The code points of a text.
std::u32string code_points(std::string_view text);

/// Normalisation form C, so that the same letters are the same bytes (Unicode Standard Annex 15).
std::string normalise(std::string_view text);

/// Normalisation form D, as code points: accents apart from their letters, Hangul syllables as their jamo.
std::u32string decompose(std::string_view text);

/// The words between spaces: any run of characters with the Unicode property White_Space, among them the no-break
/// space (U+00A0) and the ideographic space (U+3000). Leading and trailing spaces make no empty words.
std::vector<std::string> split_words(std::string_view text);

/// The words with one space between each two.
std::string join_words(const std::vector<std::string>& words);

/// The text, or so much of its beginning that it and a final … take at most `most` bytes; for messages, which say what
/// is wrong in a line but must not repeat a line of megabytes. Text that is not UTF-8 may be cut inside a character.
std::string excerpt(std::string_view text, std::size_t most);

/// How many terminal columns a text takes: two for Hangul and other wide characters, none for combining marks, for
/// the later jamo of a decomposed syllable and for control characters.
int columns(std::string_view text);

/// The least number of insertions, deletions and replacements that turn one text into the other (Levenshtein 1966).
/// On decompose()d words, 학교에 and 학교는 differ in a jamo or three where they would otherwise differ in a third.
std::size_t edit_distance(std::u32string_view a, std::u32string_view b);

/// Which of the words is most like this one: the one with the least edit distance between letters (of Hangul: jamo), of
/// those the one with the longest common beginning, of those the first. Nothing where there are no words, or where this
/// one has more than 200 letters, so that the time is bounded by how long the words are together.
std::optional<std::size_t> nearest_word(std::string_view word, std::span<const std::string> words);

}  // namespace qkv
