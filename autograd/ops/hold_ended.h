#pragma once

#include "qkv/autograd/tape.h"

namespace qkv {

/// y[b] = next[b] while sequence b goes on at this step (step < lengths[b]), else last[b]: the state of a recurrent
/// network stays what it was when the sequence ended.   next, last: [B, ..., H]   returns the same shape
template <class T>
Var<T> hold_ended(Var<T> next, Var<T> last, std::span<const int> lengths, int step) {
  check(next.shape() == last.shape(), "hold_ended: {} and {} differ", next.shape(), last.shape());
  check(next.rank() >= 1 && static_cast<int>(lengths.size()) == next.dim(0), "hold_ended: {} lengths for a batch of {}",
        lengths.size(), next.rank() == 0 ? 0 : next.dim(0));
  Var<T> y = Tape<T>::make("hold_ended", next.shape(), {next, last});
  const int batch = next.dim(0);
  const std::int64_t size = batch == 0 ? 0 : next.size() / batch;
  const int* kept = Tape<T>::current().keep(lengths.data(), lengths.size());
  for (int b = 0; b < batch; ++b)
    std::copy_n((step < kept[b] ? next : last).data() + b * size, size, open_value(y).data + b * size);
  on_backward(y, [=] {
    const T* dy = y.grad().data;
    const auto pass_back = [=](Sink<T> sink, bool to_next) {  // each gradient goes where its state came from
      const Target<T> to = sink.open();
      for (int b = 0; b < batch; ++b) {
        const Target<T> part = to.part(b * size, size);
        const T* from = dy + b * size;
        if ((step < kept[b]) == to_next)
          write_each(part, [=](auto i) { return from[i]; });
        else if (!part.accumulate)
          std::fill_n(part.data, size, T(0));
      }
    };
    if (auto dnext = next.sink()) pass_back(dnext, true);
    if (auto dlast = last.sink()) pass_back(dlast, false);
  });
  return y;
}

}  // namespace qkv
