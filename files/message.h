#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace qkv {

/// What messages about files and settings are made of.

/// A number with what it counts: "1 word", "0 words", "2 words".
std::string counted(std::size_t number, std::string_view noun);

/// The text, or so much of its beginning that it and a final … take at most `most` bytes; for messages, which say what
/// is wrong in a line but must not repeat a line of megabytes. Text that is not UTF-8 may be cut inside a character.
std::string excerpt(std::string_view text, std::size_t most = 200);

/// The least number of insertions, deletions and replacements that turn one text into the other (Levenshtein 1966), by
/// which a message finds the name that was meant.
std::size_t edit_distance(std::u32string_view a, std::u32string_view b);

/// Whether two names of such an edit distance, the longer one of so many letters, may be meant for each other: no more
/// than two fifths of the letters change.
constexpr bool are_near(std::size_t distance, std::size_t longer) { return 5 * distance <= 2 * longer; }

}  // namespace qkv
