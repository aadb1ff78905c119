#pragma once

#include <cstring>

#include "qkv/autograd/block.h"
#include "qkv/autograd/tape.h"

namespace qkv {

/// The keys and values of the positions so far, kept while sequences are decoded, so that each new position costs one
/// query against them instead of the whole sequence again. It lies outside the tape's scopes.
template <class T>
class KeyValueCache {
 public:
  KeyValueCache(int batch, int capacity, int width)
      : batch_(batch), capacity_(capacity), width_(width), keys_(size()), values_(size()) {}

  /// Appends n positions of each sequence. Throws std::invalid_argument if they do not fit.   keys, values: [B, n, C]
  void append(Var<T> keys, Var<T> values) {
    const int count = keys.dim(1);
    check(keys.shape() == values.shape() && keys.shape() == Shape({batch_, count, width_}),
          "cache: keys {} and values {} do not fit a cache of batch size {} and width {}", keys.shape(), values.shape(),
          batch_, width_);
    check(length_ + count <= capacity_, "cache: {} positions do not fit a capacity of {}", length_ + count, capacity_);
    for (int b = 0; b < batch_; ++b) {
      const std::int64_t from = std::int64_t{b} * count * width_, size = std::int64_t{count} * width_;
      std::copy_n(keys.data() + from, size, keys_.data() + at(b) + std::int64_t{length_} * width_);
      std::copy_n(values.data() + from, size, values_.data() + at(b) + std::int64_t{length_} * width_);
    }
    length_ += count;
  }

  /// Goes on with these rows of the batch only, in this order; one may occur several times. Throws
  /// std::invalid_argument if there is no such row.
  void select(std::span<const int> rows) {
    for (int row : rows) check(row >= 0 && row < batch_, "cache: there is no row {} among {}", row, batch_);
    KeyValueCache chosen(static_cast<int>(rows.size()), capacity_, width_);
    chosen.length_ = length_;
    const std::int64_t used = std::int64_t{length_} * width_;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      std::copy_n(keys_.data() + at(rows[i]), used, chosen.keys_.data() + chosen.at(static_cast<int>(i)));
      std::copy_n(values_.data() + at(rows[i]), used, chosen.values_.data() + chosen.at(static_cast<int>(i)));
    }
    *this = std::move(chosen);
  }

  /// As constants on the current tape, [B, capacity, C]; only the first length() positions of each sequence mean
  /// anything.
  Var<T> keys() const { return on_tape("cached_keys", keys_); }
  Var<T> values() const { return on_tape("cached_values", values_); }
  int length() const { return length_; }
  int batch() const { return batch_; }

 private:
  std::int64_t size() const { return std::int64_t{batch_} * capacity_ * width_; }
  std::int64_t at(int row) const { return std::int64_t{row} * capacity_ * width_; }
  Var<T> on_tape(const char* name, const Block<T>& block) const {
    return Tape<T>::current().leaf(name, {batch_, capacity_, width_}, block.data(), nullptr);
  }

  int batch_, capacity_, width_;
  int length_ = 0;
  Block<T> keys_, values_;
};

}  // namespace qkv
