#pragma once

#include <cstddef>
#include <span>

#include "qkv/datasets/pair.h"

namespace qkv {

/// Alignment error rate (Och & Ney 2003, section 2.4): 1 − (|A∩S| + |A∩P|) / (|A| + |S|), where S are the sure links, P
/// the sure and the possible ones, and A the links to be judged. A has one link for each target word that has a gold
/// link. Counts of sentences are added up; they are whole numbers but for expected ones.
struct AlignmentCounts {
  double sure_found = 0;      ///< |A∩S|
  double possible_found = 0;  ///< |A∩P|
  double judged = 0;          ///< |A|
  double sure = 0;            ///< |S|

  AlignmentCounts& operator+=(const AlignmentCounts& other);

  /// 0 (all right) to 1. Throws std::invalid_argument where there are no gold links.
  double error_rate() const;
};

/// Judges attention: A takes for each linked target word the source word with the largest weight, of equal ones the
/// first. `weights` is row-major, one row of `stride` weights for each target word, as given to the words in order;
/// what follows the weights of the source words (that of <eos>, padding) is left out, and so are further rows. Throws
/// std::invalid_argument where there are too few weights, one that is not finite, or a link outside its sentence.
AlignmentCounts judge_attention(std::span<const float> weights, std::size_t stride, const Pair& pair);

/// What to compare with, over the same target words. Throws std::invalid_argument for a link outside its sentence.
/// Uniform: the expected counts where each target word picks any source word with the same chance.
AlignmentCounts judge_uniform(const Pair& pair);

/// Diagonal: target word j of m picks the source word at the same relative place, ⌊(j + ½) n / m⌋ of n.
AlignmentCounts judge_diagonal(const Pair& pair);

/// The least error that one link for each target word allows: each picks a sure link where it has one, else a possible.
AlignmentCounts judge_best(const Pair& pair);

}  // namespace qkv
