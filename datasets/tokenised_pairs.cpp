#include "qkv/datasets/tokenised_pairs.h"

#include <map>
#include <utility>

namespace qkv {
namespace {

/// The tokens of each word, or of each character, by its number.
std::map<int, std::vector<int>> tokens_of_units(const std::vector<TokenPlace>& places, LinkUnit unit) {
  std::map<int, std::vector<int>> tokens;
  for (std::size_t i = 0; i < places.size(); ++i) {
    const auto token = static_cast<int>(i);
    if (unit == LinkUnit::word)
      tokens[places[i].word].push_back(token);
    else
      for (int c = 0; c < places[i].count; ++c) tokens[places[i].first + c].push_back(token);
  }
  return tokens;
}

std::vector<Link> between_tokens(const std::vector<Link>& links, std::map<int, std::vector<int>> source,
                                 std::map<int, std::vector<int>> target) {
  std::map<std::pair<int, int>, bool> sure;  // by the two tokens
  for (const Link& link : links)
    for (const int s : source[link.source])
      for (const int t : target[link.target]) sure[{s, t}] |= link.sure;
  std::vector<Link> result;
  for (const auto& [tokens, is_sure] : sure) result.push_back({tokens.first, tokens.second, is_sure});
  return result;
}

}  // namespace

Pair tokenised(Pair pair, const Tokenisers& tokenisers) {
  const auto is_of_words = [](const Tokeniser& tokeniser) { return tokeniser.kind() == TokeniserKind::word; };
  const bool stays = is_of_words(*tokenisers.source) && is_of_words(*tokenisers.target);
  if (stays && (pair.link_unit == LinkUnit::word || pair.links.empty())) return pair;
  pair.source = tokenisers.source->tokens(pair.source);
  pair.target = tokenisers.target->tokens(pair.target);
  if (!pair.links.empty())
    pair.links = between_tokens(pair.links, tokens_of_units(tokenisers.source->places(pair.source), pair.link_unit),
                                tokens_of_units(tokenisers.target->places(pair.target), pair.link_unit));
  return pair;
}

std::vector<Pair> tokenised(std::vector<Pair> pairs, const Tokenisers& tokenisers) {
  for (Pair& pair : pairs) pair = tokenised(std::move(pair), tokenisers);
  return pairs;
}

}  // namespace qkv
