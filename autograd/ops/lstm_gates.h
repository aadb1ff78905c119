#pragma once

#include "qkv/autograd/exponential.h"
#include "qkv/autograd/tape.h"

namespace qkv {

/// What a step of an LSTM leaves behind.
template <class T>
struct LstmState {
  Var<T> h;  ///< [..., H] what it shows
  Var<T> c;  ///< [..., H] what it keeps: the cell
};

/// One step of a long short-term memory (Hochreiter & Schmidhuber 1997 with the forget gate of Gers et al. 2000, in the
/// form of torch.nn.LSTM), from what the input and the last state give each gate, a = W_ih input + b_ih + W_hh h +
/// b_hh:
///   i = σ(a_i),  f = σ(a_f),  g = tanh(a_g),  o = σ(a_o),  c' = f ⊙ c + i ⊙ g,  h' = o ⊙ tanh(c')
/// a: [..., 4H] in the order i, f, g, o   c: [..., H]   returns h', c' [..., H]
template <class T>
LstmState<T> lstm_gates(Var<T> a, Var<T> c) {
  const int width = c.last(), rows = c.shape().rows();
  check(a.shape() == c.shape().with_last(4 * width),
        "lstm_gates: gates {} do not fit a cell {}: they need four times its features", a.shape(), c.shape());
  Var<T> h_next = Tape<T>::make("lstm_gates", c.shape(), {a, c});
  Var<T> c_next = Tape<T>::make("lstm_cell", c.shape(), {a, c});
  T* gates = Tape<T>::current().template scratch<T>(static_cast<std::size_t>(a.size()));  // i, f, g, o of each row
  T* shown = Tape<T>::current().template scratch<T>(static_cast<std::size_t>(c.size()));  // tanh(c')
  for (int row = 0; row < rows; ++row) {
    const std::int64_t at = std::int64_t{row} * width;
    const T* cr = c.data() + at;
    T *gate = gates + 4 * at, *h_out = open_value(h_next).data + at, *c_out = open_value(c_next).data + at;
    std::copy_n(a.data() + 4 * at, 4 * width, gate);
    sigmoid_in_place(gate, 2 * width);
    tanh_in_place(gate + 2 * width, width);
    sigmoid_in_place(gate + 3 * width, width);
    for (int j = 0; j < width; ++j) c_out[j] = gate[width + j] * cr[j] + gate[j] * gate[2 * width + j];
    std::copy_n(c_out, width, shown + at);
    tanh_in_place(shown + at, width);
    for (int j = 0; j < width; ++j) h_out[j] = gate[3 * width + j] * shown[at + j];
  }
  on_backward({h_next, c_next}, [=] {
    const View<T> dh = h_next.grad(), dc = c_next.grad();
    const Borrowed<T> memory(5 * std::int64_t{width});
    // The gradients of one row: of the gates before their nonlinearities, i, f, g and o one behind the other, and all
    // that reaches c'.
    T *dgates = memory.data(), *di = dgates, *df = di + width, *dg = df + width, *dout = dg + width;
    T* dcell = dout + width;
    auto sink_a = a.sink(), sink_c = c.sink();
    Target<T> to_a{}, to_c{};
    if (sink_a) to_a = sink_a.open();
    if (sink_c) to_c = sink_c.open();
    for (int row = 0; row < rows; ++row) {
      const std::int64_t at = std::int64_t{row} * width;
      const T *i = gates + 4 * at, *f = i + width, *g = f + width, *o = g + width;
      const T *cr = c.data() + at, *tanh_c = shown + at, *dhr = dh.data + at, *dcr = dc.data + at;
      write_each(new_row(dcell, width),
                 [=](auto j) { return dcr[j] + dhr[j] * o[j] * (T(1) - tanh_c[j] * tanh_c[j]); });
      write_each(new_row(di, width), [=](auto j) { return dcell[j] * g[j] * i[j] * (T(1) - i[j]); });
      write_each(new_row(df, width), [=](auto j) { return dcell[j] * cr[j] * f[j] * (T(1) - f[j]); });
      write_each(new_row(dg, width), [=](auto j) { return dcell[j] * i[j] * (T(1) - g[j] * g[j]); });
      write_each(new_row(dout, width), [=](auto j) { return dhr[j] * tanh_c[j] * o[j] * (T(1) - o[j]); });
      if (sink_a) write_each(to_a.row_block(row, 1), [=](auto j) { return dgates[j]; });
      if (sink_c) write_each(to_c.row_block(row, 1), [=](auto j) { return dcell[j] * f[j]; });  // dc += dc' ⊙ f
    }
  });
  return {h_next, c_next};
}

}  // namespace qkv
