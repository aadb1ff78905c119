#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace qkv {

/// Text for a terminal, measured by columns() of datasets/text.h: a Hangul syllable takes two columns.

/// The text with spaces after it up to `width` columns; longer text is kept as it is.
std::string left_aligned(std::string_view text, int width);

/// The text with spaces before it up to `width` columns; longer text is kept as it is.
std::string right_aligned(std::string_view text, int width);

/// The text if it fits into `width` columns, else as much of it as fits together with a final "…".
std::string shortened(std::string_view text, int width);

/// The words of the text in lines of at most `width` columns, each with `indent` spaces before it and a line feed
/// behind; a longer word has a line of its own.
std::string in_lines(std::string_view text, int width, int indent);

/// What a reader sees as characters: code points, each with the combining marks that follow it.
std::vector<std::string> visible_characters(std::string_view text);

}  // namespace qkv
