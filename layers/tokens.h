#pragma once

#include <span>

#include "qkv/autograd/mask.h"

namespace qkv {

/// Sentences as word numbers, padded to one length. The ids lie in memory sentence by sentence.
struct Tokens {
  std::span<const int> ids;  ///< [sentences, length]
  int sentences = 0;
  int length = 0;
  std::span<const int> lengths;  ///< how many words of each sentence are not padding

  Shape shape() const { return {sentences, length}; }
  Mask padding() const { return Mask::padding(lengths); }
};

}  // namespace qkv
