#pragma once

#include <cstddef>
#include <vector>

#include "qkv/datasets/pair.h"

namespace qkv {

/// The losses of the best model per target word: on the validation set, and on at most as many training sentences. Far
/// apart, the model knows its training sentences better than the language.
struct FinalLosses {
  double training = 0;
  double validation = 0;
};

/// So many of the pairs with at most `max_length` words on each side, or all there are, taken at equal distances: the
/// same ones each time.
std::vector<Pair> spread(const std::vector<Pair>& pairs, std::size_t count, int max_length);

}  // namespace qkv
