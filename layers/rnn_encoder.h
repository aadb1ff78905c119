#pragma once

#include <span>

#include "qkv/autograd/ops/concat.h"
#include "qkv/autograd/ops/slice.h"
#include "qkv/layers/rnn_cell.h"
#include "qkv/layers/tokens.h"

namespace qkv {

/// What a recurrent encoder makes of its sentences.
template <class T>
struct RnnEncoded {
  Var<T> states;  ///< [B, L, H] after each word; after the last word of a sentence they stay as they are
  Var<T> last;    ///< [B, 1, H] after each sentence's last real word
};

/// Reads sentences from left to right, one layer, as torch.nn.RNN, GRU or LSTM on packed sequences.
template <class T>
class RnnEncoder {
 public:
  RnnEncoder(const Path<T>& path, CellKind kind, int in, int hidden) : cell_(path / "rnn", kind, in, hidden, "_l0") {}

  /// x: [B, L, in] the embedded words   lengths: [B]
  RnnEncoded<T> operator()(Var<T> x, std::span<const int> lengths) const {
    const int words = x.dim(1);
    check(words > 0, "encoder: the sentences have no words");
    const Var<T> inputs = cell_.input_part(x);
    const LinearSteps<T> recurrent = cell_.recurrent_steps(words);
    RnnState<T> state = cell_.start(x.dim(0));
    const auto count = static_cast<std::size_t>(words);
    const std::span<Var<T>> states{Tape<T>::current().template scratch<Var<T>>(count), count};
    for (int i = 0; i < words; ++i) {
      const RnnState<T> next = cell_.step(slice(inputs, 1, i, 1), recurrent(state.h), state);
      state.h = hold_finished(next.h, state.h, lengths, i);
      if (next.c) state.c = hold_finished(next.c, state.c, lengths, i);
      states[static_cast<std::size_t>(i)] = state.h;
    }
    return {concat(std::span<const Var<T>>(states), 1), state.h};
  }

 private:
  RnnCell<T> cell_;
};

}  // namespace qkv
