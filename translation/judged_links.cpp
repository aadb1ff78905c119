#include "qkv/translation/judged_links.h"

#include <map>
#include <numeric>
#include <utility>

#include "qkv/autograd/check.h"

namespace qkv {
namespace {

std::vector<int> words_of_tokens(const Tokeniser& tokeniser, const std::vector<std::string>& tokens) {
  std::vector<int> words;
  for (const TokenPlace& place : tokeniser.places(tokens)) words.push_back(place.word);
  return words;
}

std::vector<int> each_by_itself(const std::vector<std::string>& tokens) {
  std::vector<int> numbers(tokens.size());
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

}  // namespace

JudgedLinks::JudgedLinks(const Pair& tokens, const Tokenisers& tokenisers) {
  if (tokens.link_unit == LinkUnit::character) {
    pair_ = tokens;
    source_ = each_by_itself(tokens.source);
    target_ = each_by_itself(tokens.target);
    return;
  }
  source_ = words_of_tokens(*tokenisers.source, tokens.source);
  target_ = words_of_tokens(*tokenisers.target, tokens.target);
  pair_.source = tokenisers.source->words(tokens.source);
  pair_.target = tokenisers.target->words(tokens.target);
  std::map<std::pair<int, int>, bool> sure;  // by the two words, whose tokens are all linked with each other
  for (const Link& link : tokens.links) sure[{source_[link.source], target_[link.target]}] = link.sure;
  for (const auto& [words, is_sure] : sure) pair_.links.push_back({words.first, words.second, is_sure});
}

std::vector<float> JudgedLinks::weights(std::span<const float> of_tokens, std::size_t stride) const {
  check(stride >= source_.size() && of_tokens.size() >= stride * target_.size(),
        "judged links: {} weights in rows of {} do not hold {} target × {} source tokens", of_tokens.size(), stride,
        target_.size(), source_.size());
  const std::size_t sources = pair_.source.size(), targets = pair_.target.size();
  std::vector<float> weights(targets * sources);
  std::vector<float> tokens(targets);  // of each target word
  for (const int target : target_)
    if (target != TokenPlace::none) ++tokens[target];
  for (std::size_t i = 0; i < target_.size(); ++i) {
    if (target_[i] == TokenPlace::none) continue;
    const std::size_t row = target_[i];
    for (std::size_t j = 0; j < source_.size(); ++j)
      if (source_[j] != TokenPlace::none)
        weights[row * sources + source_[j]] += of_tokens[i * stride + j] / tokens[row];
  }
  return weights;
}

}  // namespace qkv
