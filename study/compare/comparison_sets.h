#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "qkv/translation/training_data.h"

namespace qkv {

/// Sentences that compared models are scored on.
struct ComparisonSet {
  std::string name;       ///< "train", or the test file's
  bool training = false;  ///< the models have seen these sentences
  std::vector<Pair> pairs;
};

/// Training sentences, drawn with this seed: as many of each length as the first test set has, or all that there are;
/// then the test sets. The models' scores on both tell apart what a model cannot hold from what does not generalise.
/// Training pairs that are longer than `max_length` are not trained on and not drawn.
/// Throws std::invalid_argument if there is no test set.
std::vector<ComparisonSet> comparison_sets(const TrainingData& data, int max_length, std::uint64_t seed);

/// Sentences whose source has from `shortest` to `longest` words, or other tokens that the models read.
struct LengthBucket {
  std::size_t shortest = 0;
  std::size_t longest = 0;
  bool seen = false;  ///< training has sentences of these lengths

  std::string name() const;  ///< "2-4", or "5"
  bool contains(std::size_t words) const { return words >= shortest && words <= longest; }
};

/// The lengths that the sets have, in buckets of about as many sentences each: up to five of each range of lengths
/// that training has, and up to two of each that it has not.
std::vector<LengthBucket> length_buckets(const TrainingData& data, int max_length,
                                         const std::vector<ComparisonSet>& sets);

}  // namespace qkv
