#pragma once

#include "qkv/autograd/tape.h"

namespace qkv {

/// For an error: the shapes of that many elements that differ from this one in a single dimension, such as
/// "; [2, 12] or [8, 3]?"; empty if there are none.
inline std::string shapes_that_fit(std::int64_t elements, const Shape& shape) {
  std::string text;
  for (int i = 0; i < shape.rank(); ++i) {
    const std::int64_t others = shape.without(i).size();
    if (others == 0 || elements % others != 0) continue;
    text += fmt::format("{} {}", text.empty() ? ";" : " or", shape.with(i, static_cast<int>(elements / others)));
  }
  return text.empty() ? text : text + "?";
}

/// The same numbers, row by row, in another shape: a copy.   x: any shape   returns `shape`, of as many elements
template <class T>
Var<T> reshape(Var<T> x, const Shape& shape) {
  if (x.size() != shape.size())
    check(false, "reshape: {} has {} elements, {} has {}{}", x.shape(), x.size(), shape, shape.size(),
          shapes_that_fit(x.size(), shape));
  Var<T> y = Tape<T>::make("reshape", shape, {x});
  write_each(open_value(y), [a = x.data()](auto i) { return a[i]; });
  on_backward(y, [=] {
    const T* dy = y.grad().data;
    if (auto dx = x.sink()) write_each(dx.open(), [=](auto i) { return dy[i]; });  // in the same order
  });
  return y;
}

}  // namespace qkv
