#pragma once

#include "autograd/tape.h"

namespace qkv {

/// y[b] = next[b] while sentence b still has words at this step (step < lengths[b]), else last[b]: the state of a
/// recurrent network stays what it was after the last real word.   next, last: [B, ..., H]   returns the same shape
template <class T>
Var<T> hold_finished(Var<T> next, Var<T> last, std::span<const int> lengths, int step) {
  check(next.shape() == last.shape(), "hold_finished: {} and {} differ", next.shape(), last.shape());
  check(next.rank() >= 1 && static_cast<int>(lengths.size()) == next.dim(0),
        "hold_finished: {} lengths for {} sentences", lengths.size(), next.rank() == 0 ? 0 : next.dim(0));
  Var<T> y = Tape<T>::make("hold_finished", next.shape(), {next, last});
  const int sentences = next.dim(0);
  const std::int64_t size = sentences == 0 ? 0 : next.size() / sentences;
  const int* kept = Tape<T>::current().keep(lengths.data(), lengths.size());
  write_each(assign(y), [=, a = next.data(), b = last.data()](auto i) { return step < kept[i / size] ? a[i] : b[i]; });
  on_backward(y, [=] {
    const T* dy = y.grad().data;
    if (auto dnext = next.sink())
      write_each(dnext.target(), [=](auto i) { return step < kept[i / size] ? dy[i] : T(0); });
    if (auto dlast = last.sink())
      write_each(dlast.target(), [=](auto i) { return step < kept[i / size] ? T(0) : dy[i]; });
  });
  return y;
}

}  // namespace qkv
