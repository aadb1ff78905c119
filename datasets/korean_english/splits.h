#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "qkv/autograd/random.h"
#include "qkv/datasets/korean_english/syntax.h"
#include "qkv/datasets/pair.h"

/// Which sentence goes into which file.
namespace qkv::grammar {

enum class Split { train, valid, test };

/// 64 bits of a text, the same on every machine: FNV-1a (Fowler, Noll & Vo), mixed by mix64.
std::uint64_t hash_text(std::string_view text);

/// The split of a sentence, by the hash of its words alone: one in ten is for validation, one for the test. It depends
/// neither on the seed nor on how many sentences are made.
Split split_of(const std::vector<std::string>& source);

/// Whether this verb and this object are kept for composition.csv, by the hash of the two words.
bool is_held_out(const Predicate& verb, const Noun& object);

/// Whether the sentence has a verb with an object that is_held_out, in a main clause or a relative clause.
bool has_held_out(const Sentence& sentence);

/// Draws sentences one by one, all different, their lengths taking turns from `shortest` to `longest` words. A length
/// of which no new sentence is found any more is left out from then on.
class Stream {
 public:
  enum class Kind { train, valid, test, any_split, held_out };

  Stream(Kind kind, int shortest, int longest, std::uint64_t seed);

  /// The next `count` pairs; drawing 3 and then 4 gives the same as drawing 7. Throws std::invalid_argument when the
  /// grammar gives no more.
  std::vector<Pair> draw(int count);

 private:
  bool wanted(const Pair& pair) const;
  std::optional<Pair> candidate(int length);
  int rarest_word(const Pair& pair) const;
  bool draw_one(int length, std::vector<Pair>& pairs);

  Kind kind_;
  int shortest_, longest_, next_length_;
  Random random_;
  std::vector<bool> exhausted_;
  std::set<std::uint64_t> seen_;                // hashes of the sources
  std::unordered_map<std::string, int> count_;  // how often each word was drawn; the languages share none but the marks
};

}  // namespace qkv::grammar
