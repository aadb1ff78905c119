#include "qkv/datasets/korean_english/korean_english.h"

#include <fmt/format.h>
#include <future>
#include <initializer_list>
#include <stdexcept>
#include <unordered_map>

#include "qkv/autograd/check.h"
#include "qkv/datasets/data_folder.h"
#include "qkv/datasets/korean_english/splits.h"
#include "qkv/files/message.h"

namespace qkv {
namespace {

constexpr int most_pairs = 1'000'000, evaluation_pairs = 1'000, extra_pairs = 500;
constexpr int shortest = 2, longest = 16, shortest_long = 17, longest_long = 24, shortest_composition = 4;
constexpr int least_occurrences = 10;

constexpr int drawn_at_once = 1'000;

/// How often each word form of `unseen` is missing from training pairs to be there often enough.
class Missing {
 public:
  explicit Missing(std::initializer_list<const std::vector<Pair>*> unseen) {
    for (const std::vector<Pair>* pairs : unseen)
      for (const Pair& pair : *pairs) {
        for (const std::string& word : pair.source) source_[word] = least_occurrences;
        for (const std::string& word : pair.target) target_[word] = least_occurrences;
      }
  }

  void count(const Pair& pair) {
    for (const std::string& word : pair.source) count(word, source_);
    for (const std::string& word : pair.target) count(word, target_);
  }

  bool none() const { return source_.empty() && target_.empty(); }

 private:
  using Counts = std::unordered_map<std::string, int>;

  static void count(const std::string& word, Counts& missing) {
    const auto found = missing.find(word);
    if (found != missing.end() && --found->second == 0) missing.erase(found);
  }

  Counts source_, target_;
};

/// Throws unless the training pairs hold every word form of the unseen sentences often enough. How many would do is
/// found by drawing on.
void check_words(const KoreanEnglish& data, grammar::Stream& training) {
  Missing missing({&data.valid, &data.test, &data.composition});
  std::size_t enough = 0;
  const auto count = [&](const std::vector<Pair>& pairs) {
    for (auto pair = pairs.begin(); pair != pairs.end() && !missing.none(); ++pair, ++enough) missing.count(*pair);
  };
  count(data.train);
  if (missing.none()) return;
  while (!missing.none()) {
    if (enough >= most_pairs)
      throw std::invalid_argument(fmt::format("with this seed even {} pairs are too few", enough));
    count(training.draw(drawn_at_once));
  }
  throw std::invalid_argument(fmt::format(
      "{} {} too few: every word of the unseen sentences must be in training {} times, and with this seed "
      "{} pairs are enough",
      counted(data.train.size(), "training pair"), data.train.size() == 1 ? "is" : "are", least_occurrences, enough));
}

}  // namespace

KoreanEnglish korean_english(int pairs, std::uint64_t seed) {
  check(pairs >= 1 && pairs <= most_pairs, "korean_english: pairs must be from 1 to {}, but is {}", most_pairs, pairs);
  using Kind = grammar::Stream::Kind;
  const auto draw = [&](Kind kind, int from, int to, int count) {
    return grammar::Stream(kind, from, to, seed).draw(count);
  };
  KoreanEnglish data;
  grammar::Stream training(Kind::train, shortest, longest, seed);
  // The streams do not touch each other, so the longest runs beside the rest.
  auto train = std::async(std::launch::async, [&] { return training.draw(pairs); });
  data.valid = draw(Kind::valid, shortest, longest, evaluation_pairs);
  data.test = draw(Kind::test, shortest, longest, evaluation_pairs);
  data.long_sentences = draw(Kind::any_split, shortest_long, longest_long, extra_pairs);
  data.composition = draw(Kind::held_out, shortest_composition, longest, extra_pairs);
  data.train = train.get();
  check_words(data, training);
  return data;
}

void write_korean_english(const std::string& folder, const KoreanEnglish& data, bool overwrite) {
  write_data_folder(folder,
                    {{"train.csv", data.train},
                     {"valid.csv", data.valid},
                     {"test.csv", data.test},
                     {"long.csv", data.long_sentences},
                     {"composition.csv", data.composition}},
                    overwrite);
}

}  // namespace qkv
