#pragma once

#include "qkv/autograd/detail/axis.h"
#include "qkv/autograd/tape.h"

namespace qkv {

/// Joins the parts along one dimension (negative counts from the end); the other dimensions are equal.
/// parts: [..., nᵢ, ...]   returns [..., Σ nᵢ, ...]
template <class T>
Var<T> concat(std::span<const Var<T>> parts, int dimension) {
  check(!parts.empty(), "concat: there is nothing to join");
  const Shape& first = parts[0].shape();
  const Axis axis(first, dimension);
  int total = 0;
  for (const Var<T>& part : parts) {
    check(part.rank() == first.rank(), "concat: {} and {} have different ranks", first, part.shape());
    check(part.shape().without(dimension) == first.without(dimension), "concat: {} and {} differ outside dimension {}",
          first, part.shape(), dimension);
    total += part.dim(dimension);
  }
  Var<T> y = Tape<T>::make("concat", first.with(dimension, total), parts);
  const std::int64_t rows = axis.before, row = total * axis.after;  // a row holds one piece of every part
  std::int64_t offset = 0;
  for (const Var<T>& part : parts) {
    const std::int64_t piece = part.dim(dimension) * axis.after;
    T* out = open_value(y).data + offset;
    for (std::int64_t r = 0; r < rows; ++r) std::copy_n(part.data() + r * piece, piece, out + r * row);
    offset += piece;
  }
  const Var<T>* kept = Tape<T>::current().keep(parts.data(), parts.size());
  const std::size_t count = parts.size();
  on_backward(y, [=] {
    const T* dy = y.grad().data;
    std::int64_t start = 0;
    for (std::size_t k = 0; k < count; ++k) {
      const std::int64_t piece = kept[k].dim(dimension) * axis.after;
      if (auto dx = kept[k].sink()) {
        const Target<T> to = dx.open();
        for (std::int64_t r = 0; r < rows; ++r) {
          write_each(to.part(r * piece, piece), [=](auto i) { return dy[r * row + start + i]; });
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
