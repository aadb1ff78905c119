#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "qkv/datasets/csv.h"
#include "qkv/datasets/tokeniser.h"

namespace qkv {

/// What a file says of one side of its pairs. What is called words are the tokens that a model would read.
struct SideCheck {
  std::size_t words = 0;                        ///< in all sentences together
  std::size_t shortest = 0, longest = 0;        ///< sentence, in words
  std::vector<std::size_t> lengths;             ///< how many sentences have 0, 1, 2, … words
  std::size_t vocabulary = 0;                   ///< different words
  std::size_t once = 0;                         ///< words that occur once only
  std::size_t unknown = 0;                      ///< of `words`, those that do not occur in the training file
  std::vector<std::string> most_often_unknown;  ///< the most frequent of these first, at most `most_named`

  static constexpr std::size_t most_named = 10;
};

/// A pair that says again what another line says: the line it stands on, and the first that said it.
struct Repetition {
  std::size_t line = 0, first = 0;
  friend bool operator==(const Repetition&, const Repetition&) = default;
};

/// What a file of pairs holds, for people to look at before they train on it.
struct DataCheck {
  std::string name, path;
  std::size_t pairs = 0;
  std::size_t linked = 0;           ///< pairs with gold links
  std::vector<std::string> errors;  ///< of lines that cannot be read: `FILE:LINE: what`
  SideCheck source, target;
  std::vector<Repetition> duplicates;      ///< the same source and target as on a line before
  std::vector<Repetition> contradictions;  ///< the source of a line before with another target
  std::size_t pairs_of_training = 0;       ///< that stand in the training file too
  std::size_t sources_of_training = 0;     ///< whose source stands there, with whatever target
};

/// One file of a data set, such as {"train", "data/train.csv"}.
struct DataFile {
  std::string name, path;
};

/// The tokenisers that a training on these pairs, of which there are some, would have. May throw.
using LearnTokenisers = std::function<Tokenisers(const std::vector<Pair>&)>;

/// Looks through files of pairs; the first is the one to train on, with which the others are compared. Pairs are the
/// same where their words are, whatever the tokens. Throws std::runtime_error as read_pairs_and_errors does, and what
/// `learn` throws.
std::vector<DataCheck> check_data(
    const std::vector<DataFile>& files, const LearnTokenisers& learn = [](const auto&) { return word_tokenisers(); });

}  // namespace qkv
