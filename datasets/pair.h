#pragma once

#include <string>
#include <vector>

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

/// One sentence, its translation, and the links between their words where they are known.
struct Pair {
  std::vector<std::string> source;
  std::vector<std::string> target;
  std::vector<Link> links;
};

}  // namespace qkv
