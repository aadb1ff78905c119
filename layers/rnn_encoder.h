#pragma once

#include <span>

#include "qkv/autograd/ops/concat.h"
#include "qkv/autograd/ops/slice.h"
#include "qkv/layers/rnn_cell.h"
#include "qkv/layers/tokens.h"

namespace qkv {

/// What a recurrent encoder makes of its sequences.
template <class T>
struct RnnEncoded {
  Var<T> states;  ///< [B, L, H] after each position; when a sequence has ended they stay as they are
  Var<T> last;    ///< [B, 1, H] after each sequence's last position
};

/// Reads sequences from left to right, one layer, as torch.nn.RNN, GRU or LSTM on packed sequences.
template <class T>
class RnnEncoder {
 public:
  RnnEncoder(const Path<T>& path, CellKind kind, int in, int hidden)
      : path_(path.name()), cell_(path / "rnn", kind, in, hidden, "_l0") {}

  /// x: [B, L, in] the embedded ids   lengths: [B]
  RnnEncoded<T> operator()(Var<T> x, std::span<const int> lengths) const {
    const InModule here(path_);
    const int length = x.dim(1);
    check(length > 0, "the sequences have no positions");
    const Var<T> inputs = cell_.input_part(x);
    const LinearSteps<T> recurrent = cell_.recurrent_steps(length);
    RnnState<T> state = cell_.start(x.dim(0));
    const std::span<Var<T>> states = Tape<T>::current().template list<Var<T>>(length);
    for (int i = 0; i < length; ++i) {
      const RnnState<T> next = cell_.step(slice(inputs, 1, i, 1), recurrent(state.h), state);
      state.h = hold_ended(next.h, state.h, lengths, i);
      if (next.c) state.c = hold_ended(next.c, state.c, lengths, i);
      states[i] = state.h;
    }
    return {concat(std::span<const Var<T>>(states), 1), state.h};
  }

 private:
  std::string path_;
  RnnCell<T> cell_;
};

}  // namespace qkv
