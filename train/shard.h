#pragma once

#include <cstddef>
#include <span>

namespace qkv {

/// The rows of a batch that one worker takes: `count` of the batch's `rows`, from `first` on.
struct Shard {
  int first = 0;
  int count = 0;
  int rows = 0;

  /// These rows of a matrix that has `width` numbers in each row of the batch.
  template <class Item>
  std::span<const Item> of(std::span<const Item> matrix, int width = 1) const {
    const auto begin = static_cast<std::size_t>(first) * static_cast<std::size_t>(width);
    return matrix.subspan(begin, static_cast<std::size_t>(count) * static_cast<std::size_t>(width));
  }
};

}  // namespace qkv
