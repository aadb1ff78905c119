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

}  // namespace qkv
