#pragma once

#include <utility>
#include <vector>

#include "qkv/autograd/tape.h"
#include "qkv/train/shard.h"

namespace qkv {

/// Numbers to learn from, one row for each example.   shape: [rows, ...]
template <class T>
class Table {
 public:
  /// Throws std::invalid_argument if the numbers do not fill the shape, or if it has no rows.
  Table(const Shape& shape, std::vector<T> numbers) : shape_(shape), numbers_(std::move(numbers)) {
    check(shape.rank() >= 1, "table: the shape has no rows");
    check(shape.size() == static_cast<std::int64_t>(numbers_.size()), "table: shape {} does not fit {} numbers", shape,
          numbers_.size());
  }

  int rows() const { return shape_.dim(0); }
  const Shape& shape() const { return shape_; }
  std::span<const T> numbers() const { return numbers_; }

  /// All rows, or those of one worker, as a constant on the current tape. Nothing is copied: the table must outlive it.
  Var<T> all() const { return of({0, rows(), rows()}); }
  Var<T> of(const Shard& shard) const {
    check(shard.rows == rows(), "table: a batch of {} rows was announced, but this table has {}", shard.rows, rows());
    Shape part{shard.count};
    std::int64_t row = 1;
    for (int i = 1; i < shape_.rank(); ++i) {
      part.push(shape_.dim(i));
      row *= shape_.dim(i);
    }
    return Tape<T>::current().leaf("table", part, numbers_.data() + shard.first * row, nullptr);
  }

 private:
  Shape shape_;
  std::vector<T> numbers_;
};

}  // namespace qkv
