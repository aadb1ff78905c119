#pragma once

#include <string>
#include <vector>

#include "qkv/datasets/pair.h"

namespace qkv {

/// How a table of links is drawn.
struct LinkTableStyle {
  bool colour = false;  ///< right in green, wrong in red, missed in yellow, for a terminal
  int width = 80;       ///< of the terminal in columns; a table that is wider goes on below
};

/// Compares the links that were found for a sentence pair with its gold links, pair.links. Every link is a column: the
/// target word, under it the source word, and whether it is right (a sure or possible gold link), wrong (neither) or
/// missed (a sure one that was not found). The last line counts them. Control and format characters
/// in words are shown as `\u{1b}`.
/// Whether the found links are marked sure plays no part, and a link found twice counts once.
/// Throws std::invalid_argument if a link lies outside the sentences.
std::string link_table(const Pair& pair, const std::vector<Link>& found, const LinkTableStyle& style = {});

}  // namespace qkv
