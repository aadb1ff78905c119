#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "qkv/datasets/pair.h"
#include "qkv/datasets/vocabulary.h"

namespace qkv {

/// A data set as ids, what batches are cut from: the words only, without <bos> and <eos>.
class EncodedPairs {
 public:
  /// Encodes all pairs, or those of at most `max_length` words on both sides (0: no limit).
  /// Throws std::invalid_argument for a negative limit and for a pair without source or target words.
  EncodedPairs(const std::vector<Pair>& pairs, const Vocabulary& source, const Vocabulary& target, int max_length = 0);

  /// How many pairs there are, and how many were longer than the limit and left out.
  std::size_t size() const { return numbers_.size(); }
  std::size_t left_out() const { return left_out_; }

  /// The number that pair i, one of size(), had in the data set.
  std::int32_t number(std::size_t i) const { return numbers_[i]; }

  std::span<const std::int32_t> source(std::size_t i) const { return source_.sentence(i); }
  std::span<const std::int32_t> target(std::size_t i) const { return target_.sentence(i); }

 private:
  /// Sentences one behind the other; sentence i begins at begins[i].
  struct Side {
    std::vector<std::int32_t> ids;
    std::vector<std::size_t> begins{0};

    void add(const std::vector<std::string>& words, const Vocabulary& vocabulary);
    std::span<const std::int32_t> sentence(std::size_t i) const {
      return std::span(ids).subspan(begins[i], begins[i + 1] - begins[i]);
    }
  };

  Side source_, target_;
  std::vector<std::int32_t> numbers_;
  std::size_t left_out_ = 0;
};

}  // namespace qkv
