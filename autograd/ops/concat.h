#pragma once

#include "qkv/autograd/tape.h"

namespace qkv {

/// Joins the parts along one dimension (negative counts from the end); the other dimensions are equal.
/// parts: [..., nᵢ, ...]   returns [..., Σ nᵢ, ...]
template <class T>
Var<T> concat(std::span<const Var<T>> parts, int dimension) {
  check(!parts.empty(), "concat: there is nothing to join");
  const Shape& first = parts[0].shape();
  parts[0].dim(dimension);  // throws if there is no such dimension
  const int axis = dimension < 0 ? dimension + first.rank() : dimension;
  int total = 0;
  for (const Var<T>& part : parts) {
    check(part.rank() == first.rank(), "concat: {} and {} have different ranks", first, part.shape());
    for (int i = 0; i < first.rank(); ++i)
      check(i == axis || part.dim(i) == first.dim(i), "concat: {} and {} differ outside dimension {}", first,
            part.shape(), dimension);
    total += part.dim(axis);
  }
  Shape shape;
  std::int64_t inner = 1;  // how many numbers one entry of the dimension holds
  for (int i = 0; i < first.rank(); ++i) {
    shape.push(i == axis ? total : first.dim(i));
    if (i > axis) inner *= first.dim(i);
  }
  Var<T> y = Tape<T>::make("concat", shape, parts);
  const std::int64_t row = total * inner;
  const std::int64_t rows = row == 0 ? 0 : y.size() / row;  // a row holds one piece of every part
  std::int64_t offset = 0;
  for (const Var<T>& part : parts) {
    const std::int64_t piece = part.dim(axis) * inner;
    T* out = assign(y).data + offset;
    for (std::int64_t r = 0; r < rows; ++r) std::copy_n(part.data() + r * piece, piece, out + r * row);
    offset += piece;
  }
  const Var<T>* kept = Tape<T>::current().keep(parts.data(), parts.size());
  const std::size_t count = parts.size();
  on_backward(y, [=] {
    const T* dy = y.grad().data;
    std::int64_t start = 0;
    for (std::size_t k = 0; k < count; ++k) {
      const std::int64_t piece = kept[k].dim(axis) * inner;
      if (auto dx = kept[k].sink()) {
        const Target<T> to = dx.target();
        for (std::int64_t r = 0; r < rows; ++r) {
          const Target<T> part{to.data + r * piece, 1, static_cast<int>(piece), piece, to.accumulate};
          write_each(part, [=](auto i) { return dy[r * row + start + i]; });
        }
      }
      start += piece;
    }
  });
  return y;
}

template <class T>
Var<T> concat(std::initializer_list<Var<T>> parts, int dimension) {
  return concat(std::span<const Var<T>>(parts.begin(), parts.size()), dimension);
}

}  // namespace qkv
