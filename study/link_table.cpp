#include "qkv/study/link_table.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <string_view>
#include <utility>

#include "qkv/autograd/check.h"
#include "qkv/datasets/text.h"
#include "qkv/datasets/visible_text.h"
#include "qkv/study/terminal_text.h"

namespace qkv {
namespace {

struct Verdict {
  std::string_view name;
  int colour;  // of the terminal's sixteen
};
constexpr Verdict right{"right", 32}, wrong{"wrong", 31}, missed{"missed", 33};

/// A link by target word, then source word: the order in which a reader of the translation meets them.
using Place = std::pair<int, int>;

Place place_of(const Pair& pair, const Link& link) {
  const int sources = static_cast<int>(pair.source.size()), targets = static_cast<int>(pair.target.size());
  check(link.source >= 0 && link.source < sources && link.target >= 0 && link.target < targets,
        "link_table: link {}-{} lies outside sentences of {} and {} words", link.source, link.target, sources, targets);
  return {link.target, link.source};
}

std::map<Place, Verdict> judge(const Pair& pair, const std::vector<Link>& found) {
  std::map<Place, Verdict> verdicts;
  for (const Link& link : found) verdicts.insert_or_assign(place_of(pair, link), wrong);
  for (const Link& gold : pair.links) {
    const Place place = place_of(pair, gold);
    if (const auto link = verdicts.find(place); link != verdicts.end()) {
      link->second = right;
    } else if (gold.sure) {
      verdicts.emplace(place, missed);
    }
  }
  return verdicts;
}

}  // namespace

std::string link_table(const Pair& pair, const std::vector<Link>& found, const LinkTableStyle& style) {
  const std::map<Place, Verdict> verdicts = judge(pair, found);
  std::map<std::string_view, int> counts;
  std::string result, targets, sources, marks;
  int used = 0;
  const auto finish_lines = [&] {
    for (std::string* line : {&targets, &sources, &marks}) {
      line->erase(line->find_last_not_of(' ') + 1);
      result += *line + "\n";
      line->clear();
    }
    result += "\n";
    used = 0;
  };
  for (const auto& [place, verdict] : verdicts) {
    const std::string target = visible(pair.target[place.first]);
    const std::string source = visible(pair.source[place.second]);
    const int width = std::max({columns(target), columns(source), columns(verdict.name)}) + 2;
    if (used > 0 && used + width - 2 > style.width) finish_lines();
    targets += left_aligned(target, width);
    sources += left_aligned(source, width);
    const std::string mark = left_aligned(verdict.name, width);
    marks += style.colour ? fmt::format("\033[{}m{}\033[0m", verdict.colour, mark) : mark;
    used += width;
    ++counts[verdict.name];
  }
  if (used > 0) finish_lines();
  return result +
         fmt::format("{} right, {} wrong, {} missed\n", counts[right.name], counts[wrong.name], counts[missed.name]);
}

}  // namespace qkv
