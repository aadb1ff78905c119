#include "qkv/translation/alignment_error.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <stdexcept>
#include <vector>

#include "qkv/autograd/check.h"

namespace qkv {
namespace {

/// The gold links of one target word: 0 none, 1 possible, 2 sure, for each source word.
using GoldLinks = std::vector<int>;
constexpr int possible = 1, sure = 2;

void check_links(const Pair& pair) {
  const auto outside = [](int word, const std::vector<std::string>& words) {
    return word < 0 || word >= std::ssize(words);
  };
  for (const Link& link : pair.links) {
    if (!outside(link.source, pair.source) && !outside(link.target, pair.target)) continue;
    throw std::invalid_argument(
        fmt::format("alignment error: link {}-{} is outside its sentence of {} source and {} target words", link.source,
                    link.target, pair.source.size(), pair.target.size()));
  }
}

/// Adds up judge(target word, its gold links) over the target words that have a link; judge fills in |A∩S| and |A∩P|.
template <class Judge>
AlignmentCounts judge_words(const Pair& pair, Judge judge) {
  check_links(pair);
  AlignmentCounts counts;
  GoldLinks gold(pair.source.size());
  for (int target = 0; target < std::ssize(pair.target); ++target) {
    std::fill(gold.begin(), gold.end(), 0);
    for (const Link& link : pair.links) {
      if (link.target == target) gold[link.source] = link.sure ? sure : possible;
    }
    const auto is_linked = [](int link) { return link > 0; };
    if (std::none_of(gold.begin(), gold.end(), is_linked)) continue;
    counts += judge(target, gold);
    counts.judged += 1;
    counts.sure += static_cast<double>(std::count(gold.begin(), gold.end(), sure));
  }
  return counts;
}

/// |A∩S| and |A∩P| of one link with this gold.
AlignmentCounts found(int gold) {
  return {.sure_found = gold == sure ? 1.0 : 0.0, .possible_found = gold >= possible ? 1.0 : 0.0};
}

}  // namespace

AlignmentCounts& AlignmentCounts::operator+=(const AlignmentCounts& other) {
  sure_found += other.sure_found;
  possible_found += other.possible_found;
  judged += other.judged;
  sure += other.sure;
  return *this;
}

double AlignmentCounts::error_rate() const {
  check(judged + sure != 0, "alignment error rate: there are no gold links to compare with");
  return 1 - (sure_found + possible_found) / (judged + sure);
}

AlignmentCounts judge_attention(std::span<const float> weights, std::size_t stride, const Pair& pair) {
  const std::size_t sources = pair.source.size(), targets = pair.target.size();
  check(stride >= sources && weights.size() >= stride * targets,
        "alignment error: {} weights in rows of {} do not hold {} target × {} source words", weights.size(), stride,
        targets, sources);
  return judge_words(pair, [&](std::size_t target, const GoldLinks& gold) {
    const auto row = weights.subspan(target * stride, sources);
    check(std::all_of(row.begin(), row.end(), [](float weight) { return std::isfinite(weight); }),
          "alignment error: the weights of target word {} are not finite", target);
    return found(gold[std::max_element(row.begin(), row.end()) - row.begin()]);
  });
}

AlignmentCounts judge_uniform(const Pair& pair) {
  return judge_words(pair, [](std::size_t, const GoldLinks& gold) {
    AlignmentCounts mean;
    for (const int link : gold) mean += found(link);
    mean.sure_found /= static_cast<double>(gold.size());
    mean.possible_found /= static_cast<double>(gold.size());
    return mean;
  });
}

AlignmentCounts judge_diagonal(const Pair& pair) {
  const std::size_t targets = pair.target.size();
  return judge_words(pair, [=](std::size_t target, const GoldLinks& gold) {
    return found(gold[(2 * target + 1) * gold.size() / (2 * targets)]);
  });
}

AlignmentCounts judge_best(const Pair& pair) {
  return judge_words(
      pair, [](std::size_t, const GoldLinks& gold) { return found(*std::max_element(gold.begin(), gold.end())); });
}

}  // namespace qkv
