#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <string>

#include "qkv/autograd/check.h"

namespace qkv {

/// The sizes of a tensor's dimensions, at most four; tensors are row-major and contiguous, the last dimension is the
/// feature. A scalar has rank 0. A tensor has fewer than 2³¹ elements, so that an int can count them.
class Shape {
 public:
  static constexpr int max_rank = 4;

  constexpr Shape() = default;

  /// Throws std::invalid_argument if there are more than four sizes, one is negative, or the elements are too many.
  Shape(std::initializer_list<int> sizes) {
    check(sizes.size() <= max_rank, "shape: {} dimensions, but at most {} are supported", sizes.size(), +max_rank);
    for (int size : sizes) push(size);
  }

  void push(int size) {
    check(size >= 0, "shape: dimension {} has negative size {}", rank_, size);
    check(rank_ < max_rank, "shape: more than {} dimensions", +max_rank);
    sizes_[rank_++] = size;
    check_size();
  }

  int rank() const { return rank_; }

  /// The size of dimension `i`; negative `i` counts from the end, so dim(-1) is the last.
  int dim(int i) const;

  /// The size of the last dimension; 1 for a scalar.
  int last() const { return rank_ == 0 ? 1 : sizes_[rank_ - 1]; }

  /// How many elements there are in all.
  std::int64_t size() const {
    std::int64_t product = 1;
    for (int i = 0; i < rank_; ++i) product *= sizes_[i];
    return product;
  }

  /// How many rows of `last()` elements there are.
  int rows() const {
    std::int64_t product = 1;
    for (int i = 0; i + 1 < rank_; ++i) product *= sizes_[i];
    return static_cast<int>(product);
  }

  /// The same shape with another last dimension.
  Shape with_last(int size) const {
    check(rank_ > 0, "shape: a scalar has no last dimension to replace");
    Shape result = *this;
    --result.rank_;
    result.push(size);
    return result;
  }

  /// The same shape with another size of dimension `i`, or without it; negative `i` counts from the end.
  Shape with(int i, int size) const;
  Shape without(int i) const;

  /// As people write it: "[2, 5, 32]".
  std::string text() const {
    std::string result = "[";
    for (int i = 0; i < rank_; ++i) result += fmt::format("{}{}", i == 0 ? "" : ", ", sizes_[i]);
    return result + "]";
  }

  friend bool operator==(const Shape&, const Shape&) = default;

 private:
  /// Sizes of 0 count as 1 here, so that no part of the product overflows either.
  void check_size() const;

  std::array<std::int32_t, max_rank> sizes_{};
  std::int32_t rank_ = 0;
};

}  // namespace qkv

template <>
struct fmt::formatter<qkv::Shape> : fmt::formatter<std::string> {
  template <class Context>
  auto format(const qkv::Shape& shape, Context& context) const {
    return fmt::formatter<std::string>::format(shape.text(), context);
  }
};

namespace qkv {

// Below the formatter, so that a shape is turned into text only when a check fails.

inline int Shape::dim(int i) const {
  const int index = i < 0 ? i + rank_ : i;
  check(index >= 0 && index < rank_, "shape: {} has no dimension {}", *this, i);
  return sizes_[index];
}

inline Shape Shape::with(int i, int size) const {
  dim(i);  // throws if there is no such dimension
  Shape result;
  for (int k = 0; k < rank_; ++k) result.push(k == (i < 0 ? i + rank_ : i) ? size : dim(k));
  return result;
}

inline Shape Shape::without(int i) const {
  dim(i);
  Shape result;
  for (int k = 0; k < rank_; ++k)
    if (k != (i < 0 ? i + rank_ : i)) result.push(dim(k));
  return result;
}

inline void Shape::check_size() const {
  std::int64_t product = 1;
  for (int i = 0; i < rank_; ++i) {
    product *= std::max(sizes_[i], 1);
    check(product <= std::numeric_limits<int>::max(), "shape: {} has 2³¹ elements or more", *this);
  }
}

}  // namespace qkv
