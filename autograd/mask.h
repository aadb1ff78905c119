#pragma once

#include <algorithm>
#include <span>

#include "qkv/autograd/tape.h"

namespace qkv {

/// Which keys a query may look at: those within its sequence's length (padding), those not after its own position
/// (causal), or both. In each case the allowed keys are the first ones, so a mask is a number of keys for every query,
/// and its polarity cannot be confused. Padding is skipped, never read; the weight of any masked key is exactly 0.
class Mask {
 public:
  /// Every query sees every key.
  static Mask none() { return {}; }

  /// In row b of the batch only the first lengths[b] keys are not padding. The lengths must outlive the operation it is
  /// given to.
  static Mask padding(std::span<const int> lengths) { return {lengths, true, false}; }

  /// A query sees the keys up to its own position. With fewer queries than keys, the queries are the last ones.
  static Mask causal() { return {{}, false, true}; }

  /// Both.
  static Mask causal_padding(std::span<const int> lengths) { return {lengths, true, true}; }

  bool is_causal() const { return causal_; }
  bool has_lengths() const { return has_lengths_; }

  /// How many of the keys of this row of the batch are not padding.
  int length(int row, int keys) const { return !has_lengths_ ? keys : std::min(lengths_[row], keys); }

  /// How many keys, the first ones, this query may look at.
  int allowed(int row, int query, int queries, int keys) const {
    const int real = length(row, keys);
    return causal_ ? std::clamp(keys - queries + query + 1, 0, real) : real;
  }

  /// Throws std::invalid_argument unless there is a length in 0 … keys for each row of the batch.
  void check_fits(const char* operation, int batch, int keys) const {
    check(!has_lengths_ || static_cast<int>(lengths_.size()) == batch, "{}: the mask has {} lengths for a batch of {}",
          operation, lengths_.size(), batch);
    for (std::size_t i = 0; i < lengths_.size(); ++i)
      check(lengths_[i] >= 0 && lengths_[i] <= keys, "{}: the mask's length {} of row {} is not within 0 and {}",
            operation, lengths_[i], i, keys);
  }

  /// The same mask with its lengths copied to the tape, for a closure to keep.
  template <class T>
  Mask kept_by(Tape<T>& tape) const {
    return {std::span<const int>(tape.keep(lengths_.data(), lengths_.size()), lengths_.size()), has_lengths_, causal_};
  }

 private:
  Mask() = default;
  Mask(std::span<const int> lengths, bool has_lengths, bool causal)
      : lengths_(lengths), has_lengths_(has_lengths), causal_(causal) {}

  std::span<const int> lengths_;
  bool has_lengths_ = false;  // a batch of none has lengths too: none
  bool causal_ = false;
};

}  // namespace qkv
