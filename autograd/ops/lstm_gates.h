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
/// form of torch.nn.LSTM), from what the input and the last state give each gate, a = W_ih x + b_ih and
/// b = W_hh h + b_hh:
///   i = σ(a_i + b_i),  f = σ(a_f + b_f),  g = tanh(a_g + b_g),  o = σ(a_o + b_o),  c' = f ⊙ c + i ⊙ g,  h' = o ⊙
///   tanh(c')
/// a, b: [..., 4H] in the order i, f, g, o   c: [..., H]   returns h', c' [..., H]
template <class T>
LstmState<T> lstm_gates(Var<T> a, Var<T> b, Var<T> c) {
  const int width = c.last(), rows = c.shape().rows();
  check(a.shape() == c.shape().with_last(4 * width) && b.shape() == a.shape(),
        "lstm_gates: gates {} and {} do not fit a cell {}: they need four times its features", a.shape(), b.shape(),
        c.shape());
  Var<T> h_next = Tape<T>::make("lstm_gates", c.shape(), {a, b, c});
  Var<T> c_next = Tape<T>::make("lstm_cell", c.shape(), {a, b, c});
  Tape<T>& tape = Tape<T>::current();
  const Target<T> gates = new_matrix(tape.template scratch<T>(a.size()), rows, 4 * width);
  const Target<T> shown = new_matrix(tape.template scratch<T>(c.size()), rows, width);  // tanh(c')
  for (int row = 0; row < rows; ++row) {
    const T *ar = a.rows().row(row), *br = b.rows().row(row), *cr = c.rows().row(row);
    T *i = gates.row(row), *f = i + width, *g = f + width, *o = g + width, *tanh_c = shown.row(row);
    T *h_out = open_value(h_next).row(row), *c_out = open_value(c_next).row(row);
    for (int j = 0; j < 4 * width; ++j) i[j] = ar[j] + br[j];  // all four
    sigmoid_in_place(i, 2 * width);
    tanh_in_place(g, width);
    sigmoid_in_place(o, width);
    for (int j = 0; j < width; ++j) c_out[j] = f[j] * cr[j] + i[j] * g[j];
    std::copy_n(c_out, width, tanh_c);
    tanh_in_place(tanh_c, width);
    for (int j = 0; j < width; ++j) h_out[j] = o[j] * tanh_c[j];
  }
  on_backward({h_next, c_next}, [=] {
    const View<T> dh_next = h_next.grad(), dc_next = c_next.grad();
    const Borrowed<T> memory(5 * std::int64_t{width});
    // The gradients of one row: of the gates before their nonlinearities, i, f, g and o one behind the other, and all
    // that reaches c'.
    T *dgates = memory.data(), *di = dgates, *df = di + width, *dg = df + width, *dout = dg + width;
    T* dcell = dout + width;
    auto da = a.sink(), db = b.sink(), dc = c.sink();
    Target<T> to_a{}, to_b{}, to_c{};
    if (da) to_a = da.open();
    if (db) to_b = db.open();
    if (dc) to_c = dc.open();
    for (int row = 0; row < rows; ++row) {
      const T *i = gates.row(row), *f = i + width, *g = f + width, *o = g + width, *tanh_c = shown.row(row);
      const T *cr = c.rows().row(row), *dhr = dh_next.row(row), *dcr = dc_next.row(row);
      write_each(new_row(dcell, width),
                 [=](auto j) { return dcr[j] + dhr[j] * o[j] * (T(1) - tanh_c[j] * tanh_c[j]); });
      write_each(new_row(di, width), [=](auto j) { return dcell[j] * g[j] * i[j] * (T(1) - i[j]); });
      write_each(new_row(df, width), [=](auto j) { return dcell[j] * cr[j] * f[j] * (T(1) - f[j]); });
      write_each(new_row(dg, width), [=](auto j) { return dcell[j] * i[j] * (T(1) - g[j] * g[j]); });
      write_each(new_row(dout, width), [=](auto j) { return dhr[j] * tanh_c[j] * o[j] * (T(1) - o[j]); });
      if (da) write_each(to_a.row_block(row, 1), [=](auto j) { return dgates[j]; });
      if (db) write_each(to_b.row_block(row, 1), [=](auto j) { return dgates[j]; });
      if (dc) write_each(to_c.row_block(row, 1), [=](auto j) { return dcell[j] * f[j]; });  // dc += dc' ⊙ f
    }
  });
  return {h_next, c_next};
}

}  // namespace qkv
