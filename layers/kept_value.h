#pragma once

#include <span>

#include "qkv/autograd/block.h"
#include "qkv/autograd/tape.h"

namespace qkv {

/// A value [B, n, C] that is kept while sequences are decoded, outside the tape's scopes: the state of an RNN, the
/// encoder's output, the keys of the positions so far.
template <class T>
class KeptValue {
 public:
  KeptValue() = default;  ///< nothing is kept
  KeptValue(int batch, int capacity, int width)
      : batch_(batch), capacity_(capacity), width_(width), numbers_(static_cast<std::size_t>(batch * row())) {}

  /// A copy of x in place of what was kept; of an empty Var, nothing.   x: [B, n, C]
  void keep(Var<T> x) {
    if (!x) {
      *this = KeptValue();
      return;
    }
    if (x.data() == numbers_.data()) return;  // a state that the step did not change
    if (x.shape() != Shape({batch_, capacity_, width_})) *this = KeptValue(x.dim(0), x.dim(1), x.dim(2));
    length_ = 0;
    append(x);
  }

  /// Adds n positions to each sequence. Throws std::invalid_argument if they do not fit.   x: [B, n, C]
  void append(Var<T> x) {
    const int count = x.dim(1);
    check(x.shape() == Shape({batch_, count, width_}), "cache: {} does not fit batch size {} and width {}", x.shape(),
          batch_, width_);
    check(length_ + count <= capacity_, "cache: {} positions do not fit a capacity of {}", length_ + count, capacity_);
    const std::int64_t size = std::int64_t{count} * width_;
    for (int b = 0; b < batch_; ++b) std::copy_n(x.data() + b * size, size, at(b) + std::int64_t{length_} * width_);
    length_ += count;
  }

  /// Goes on with these rows of the batch only, in this order; one may occur several times. Throws
  /// std::invalid_argument if there is no such row.
  void select(std::span<const int> rows) {
    if (!holds_something()) return;
    for (int b : rows) check(b >= 0 && b < batch_, "cache: there is no row {} among {}", b, batch_);
    KeptValue chosen(static_cast<int>(rows.size()), capacity_, width_);
    chosen.length_ = length_;
    T* to = chosen.numbers_.data();
    for (int b : rows) {
      std::copy_n(at(b), std::int64_t{length_} * width_, to);
      to += row();
    }
    *this = std::move(chosen);
  }

  /// As a constant on the current tape, [B, capacity, C], of which the first length() positions of each sequence mean
  /// anything; empty if nothing is kept.
  Var<T> on_tape(const char* name) const {
    if (!holds_something()) return {};
    return Tape<T>::current().leaf(name, {batch_, capacity_, width_}, numbers_.data(), nullptr);
  }

  int batch() const { return batch_; }
  int length() const { return length_; }

 private:
  bool holds_something() const { return numbers_.size() > 0; }
  std::int64_t row() const { return std::int64_t{capacity_} * width_; }
  T* at(int b) { return numbers_.data() + b * row(); }

  int batch_ = 0, capacity_ = 0, width_ = 0;
  int length_ = 0;
  Block<T> numbers_;
};

}  // namespace qkv
