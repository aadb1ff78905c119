#pragma once

#include <span>

#include "qkv/autograd/mask.h"

namespace qkv {

/// Sequences of ids, padded to one length. They lie in memory one behind the other.
struct Tokens {
  std::span<const int> ids;  ///< [batch, length]
  int batch = 0;
  int length = 0;
  std::span<const int> lengths;  ///< how many ids of each sequence are not padding

  Shape shape() const { return {batch, length}; }
  Mask padding() const { return Mask::padding(lengths); }
};

/// One sequence by itself, as a batch of one: whoever takes Tokens takes it. The ids must outlive it.
class OneSequence {
 public:
  explicit OneSequence(std::span<const int> ids) : ids_(ids), length_(static_cast<int>(ids.size())) {}

  operator Tokens() const { return {ids_, 1, length_, std::span(&length_, 1)}; }
  int length() const { return length_; }

 private:
  std::span<const int> ids_;
  int length_;
};

}  // namespace qkv
