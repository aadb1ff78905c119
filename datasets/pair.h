#pragma once

#include <array>
#include <string>
#include <vector>

#include "qkv/autograd/named.h"

namespace qkv {

/// A gold link between source word `source` and target word `target`, both counted from 0. A sure link must be found,
/// a possible one may be (Och & Ney 2003, section 2.1).
struct Link {
  int source = 0;
  int target = 0;
  bool sure = true;
  friend bool operator==(const Link&, const Link&) = default;
  friend auto operator<=>(const Link&, const Link&) = default;
};

/// What gold links were made between: words, or the characters (code points) of the text, which is the words with one
/// space between each two; the spaces are counted.
enum class LinkUnit { word, character };
constexpr std::array<Named<LinkUnit>, 2> names_of(LinkUnit) {
  return {{{LinkUnit::word, "word"}, {LinkUnit::character, "character"}}};
}

/// One sentence, its translation, and the links between their words where they are known. As a model reads it (see
/// tokenised_pairs.h), what is called words here are tokens, and links join tokens.
struct Pair {
  std::vector<std::string> source;
  std::vector<std::string> target;
  std::vector<Link> links;
  LinkUnit link_unit = LinkUnit::word;
};

}  // namespace qkv
