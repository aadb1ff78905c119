#include "qkv/datasets/korean_english/splits.h"

#include <algorithm>
#include <limits>
#include <stdexcept>

#include "qkv/datasets/korean_english/derive.h"
#include "qkv/datasets/korean_english/realise.h"

namespace qkv::grammar {
namespace {

constexpr int split_parts = 10;          // one for valid, one for test, eight for train
constexpr int held_out_share = 12;       // one verb-object pair in twelve
constexpr int attempts_per_pair = 4000;  // before a length counts as exhausted

std::uint64_t hash_words(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += word + ' ';
  return hash_text(text);
}

bool has_held_out(const Clause& clause);

/// Whether a relative clause of this noun holds the noun out, or has such a pair inside.
bool has_held_out(const NounPhrase& phrase) {
  return std::ranges::any_of(phrase.relative, [&](const RelativeClause& relative) {
    return has_held_out(relative.clause) ||
           (relative.gap == Gap::object && is_held_out(*relative.clause.predicate, *phrase.noun));
  });
}

bool has_held_out(const Clause& clause) {
  for (const NounPhrase& object : clause.object)
    if (is_held_out(*clause.predicate, *object.noun) || has_held_out(object)) return true;
  return std::ranges::any_of(clause.subject, [](const NounPhrase& phrase) { return has_held_out(phrase); });
}

}  // namespace

std::uint64_t hash_text(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char letter : text) hash = (hash ^ static_cast<unsigned char>(letter)) * 0x100000001b3ULL;
  return mix64(hash);
}

Split split_of(const std::vector<std::string>& source) {
  switch (hash_words(source) % split_parts) {
    case 0:
      return Split::valid;
    case 1:
      return Split::test;
    default:
      return Split::train;
  }
}

bool is_held_out(const Predicate& verb, const Noun& object) {
  const bool met_with_many_verbs = !object.name && !object.pronoun && !object.is("place");
  return met_with_many_verbs && hash_text(verb.stem + ' ' + object.stem) % held_out_share == 0;
}

bool has_held_out(const Sentence& sentence) {
  return std::ranges::any_of(sentence.clauses, [](const Clause& clause) { return has_held_out(clause); });
}

Stream::Stream(Kind kind, int shortest, int longest, std::uint64_t seed)
    : kind_(kind),
      shortest_(shortest),
      longest_(longest),
      next_length_(shortest),
      random_(mix64(seed) + static_cast<std::uint64_t>(kind)),
      exhausted_(longest + 1) {}

bool Stream::wanted(const Pair& pair) const {
  if (seen_.contains(hash_words(pair.source))) return false;
  switch (kind_) {
    case Kind::train:
      return split_of(pair.source) == Split::train;
    case Kind::valid:
      return split_of(pair.source) == Split::valid;
    case Kind::test:
      return split_of(pair.source) == Split::test;
    case Kind::any_split:
    case Kind::held_out:
      return true;
  }
  return false;
}

/// A sentence of this split that was not drawn before.
std::optional<Pair> Stream::candidate(int length) {
  for (int attempt = 0; attempt < attempts_per_pair; ++attempt) {
    const auto sentence = derive(length, random_);
    if (!sentence || has_held_out(*sentence) != (kind_ == Kind::held_out)) continue;
    Pair pair = realise(*sentence);
    if (wanted(pair)) return pair;
  }
  return std::nullopt;
}

/// How often the rarest word of the pair was drawn, in either language.
int Stream::rarest_word(const Pair& pair) const {
  int rarest = std::numeric_limits<int>::max();
  for (const auto* words : {&pair.source, &pair.target})
    for (const std::string& word : *words) {
      const auto found = count_.find(word);
      rarest = std::min(rarest, found == count_.end() ? 0 : found->second);
    }
  return rarest;
}

bool Stream::draw_one(int length, std::vector<Pair>& pairs) {
  std::optional<Pair> pair = candidate(length);
  if (!pair) return false;
  std::optional<Pair> other = candidate(length);
  if (other && rarest_word(*other) < rarest_word(*pair)) pair.swap(other);
  seen_.insert(hash_words(pair->source));
  for (const auto* words : {&pair->source, &pair->target})
    for (const std::string& word : *words) ++count_[word];
  pairs.push_back(std::move(*pair));
  return true;
}

std::vector<Pair> Stream::draw(int count) {
  std::vector<Pair> pairs;
  while (static_cast<int>(pairs.size()) < count) {
    if (std::all_of(exhausted_.begin() + shortest_, exhausted_.end(), [](bool gone) { return gone; }))
      throw std::invalid_argument("korean_english: the grammar gives no more sentences");
    const int length = next_length_;
    next_length_ = length == longest_ ? shortest_ : length + 1;
    auto gone = exhausted_.begin() + length;
    if (!*gone && !draw_one(length, pairs)) *gone = true;
  }
  return pairs;
}

}  // namespace qkv::grammar
