#pragma once

#include "qkv/autograd/named.h"
#include "qkv/autograd/ops/add.h"
#include "qkv/autograd/ops/gru_gates.h"
#include "qkv/autograd/ops/hold_ended.h"
#include "qkv/autograd/ops/lstm_gates.h"
#include "qkv/autograd/ops/tanh.h"
#include "qkv/layers/linear.h"

namespace qkv {

enum class CellKind { gru, lstm, elman };
constexpr std::array<Named<CellKind>, 3> names_of(CellKind) {
  return {{{CellKind::gru, "gru"}, {CellKind::lstm, "lstm"}, {CellKind::elman, "elman"}}};
}

/// What a recurrent network remembers after a step.
template <class T>
struct RnnState {
  Var<T> h;  ///< [B, 1, H]
  Var<T> c;  ///< [B, 1, H] the cell of an LSTM; empty for the others
};

/// One step of a recurrent network, with the parameters of torch.nn.RNNCell, GRUCell or LSTMCell: weight_ih
/// [gates · H, in], weight_hh [gates · H, H], bias_ih and bias_hh [gates · H], with 1, 3 (r, z, n) or 4 (i, f, g, o)
/// gates.
///   Elman:  h' = tanh(W_ih x + b_ih + W_hh h + b_hh)   (Elman 1990)
///   GRU:    see autograd/ops/gru_gates.h      LSTM:  see autograd/ops/lstm_gates.h
template <class T>
class RnnCell {
 public:
  /// `suffix` ends the parameters' names: "_l0" in an encoder, as in torch.
  RnnCell(const Path<T>& path, CellKind kind, int in, int hidden, const std::string& suffix = "")
      : path_(path.name()),
        kind_(kind),
        hidden_(hidden),
        weight_ih_(path.add("weight_ih" + suffix, {gates() * hidden, in}, Initialise::xavier)),
        weight_hh_(path.add("weight_hh" + suffix, {gates() * hidden, hidden}, Initialise::recurrent)),
        bias_ih_(path.add("bias_ih" + suffix, {gates() * hidden}, Initialise::zeros)),
        bias_hh_(path.add("bias_hh" + suffix, {gates() * hidden}, Initialise::zeros)) {}

  /// The state after one step.   x: [B, 1, in]
  RnnState<T> operator()(Var<T> x, const RnnState<T>& last) const {
    return step(input_part(x), recurrent_steps(1)(last.h), last);
  }

  /// What the inputs give to the gates: one product for all steps.   x: [B, L, in]   returns [B, L, gates · H]
  Var<T> input_part(Var<T> x) const {
    const InModule here(path_);
    return linear(x, weight_ih_(), bias_ih_());
  }

  /// The same step by step, for `count` steps whose inputs depend on the step before.
  LinearSteps<T> input_steps(int count) const { return {path_, weight_ih_(), bias_ih_(), count}; }

  /// What the last state gives to the gates, for `count` steps.
  LinearSteps<T> recurrent_steps(int count) const { return {path_, weight_hh_(), bias_hh_(), count}; }

  /// The state after a step for which both parts are known.   input, recurrent: [B, 1, gates · H]
  RnnState<T> step(Var<T> input, Var<T> recurrent, const RnnState<T>& last) const {
    const InModule here(path_);
    switch (kind_) {
      case CellKind::gru:
        return {gru_gates(input, recurrent, last.h), {}};
      case CellKind::lstm: {
        const auto [h, c] = lstm_gates(input, recurrent, last.c);
        return {h, c};
      }
      case CellKind::elman:
        break;
    }
    return {tanh(input + recurrent), {}};
  }

  /// The state before the first step that begins with h; the cell of an LSTM starts at 0.   h: [B, 1, H]
  RnnState<T> start(Var<T> h) const {
    return {h, kind_ == CellKind::lstm ? Tape<T>::current().zeros(h.shape()) : Var<T>()};
  }
  RnnState<T> start(int batch) const { return start(Tape<T>::current().zeros({batch, 1, hidden_})); }

 private:
  int gates() const { return kind_ == CellKind::gru ? 3 : kind_ == CellKind::lstm ? 4 : 1; }

  std::string path_;
  CellKind kind_;
  int hidden_;
  Parameter<T> weight_ih_, weight_hh_, bias_ih_, bias_hh_;
};

}  // namespace qkv
