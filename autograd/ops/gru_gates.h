#pragma once

#include "qkv/autograd/exponential.h"
#include "qkv/autograd/tape.h"

namespace qkv {

/// One step of a gated recurrent unit (Cho et al. 2014, eqs. 5 to 8, in the form of torch.nn.GRU), from what the input
/// and the last state give each gate, a = W_ih x + b_ih and b = W_hh h + b_hh:
///   r = σ(a_r + b_r),  z = σ(a_z + b_z),  n = tanh(a_n + r ⊙ b_n),  h' = (1 − z) ⊙ n + z ⊙ h
/// a, b: [..., 3H] in the order r, z, n   h: [..., H]   returns h' [..., H]
template <class T>
Var<T> gru_gates(Var<T> a, Var<T> b, Var<T> h) {
  const int width = h.last(), rows = h.shape().rows();
  check(a.shape() == h.shape().with_last(3 * width) && b.shape() == a.shape(),
        "gru_gates: gates {} and {} do not fit a state {}: they need three times its features", a.shape(), b.shape(),
        h.shape());
  Var<T> h_next = Tape<T>::make("gru_gates", h.shape(), {a, b, h});
  const Target<T> gates = new_matrix(Tape<T>::current().template scratch<T>(a.size()), rows, 3 * width);
  for (int row = 0; row < rows; ++row) {
    const T *ar = a.rows().row(row), *br = b.rows().row(row), *hr = h.rows().row(row);
    T *r = gates.row(row), *z = r + width, *n = z + width, *out = open_value(h_next).row(row);
    for (int j = 0; j < 2 * width; ++j) r[j] = ar[j] + br[j];  // r and z
    sigmoid_in_place(r, 2 * width);
    for (int j = 0; j < width; ++j) n[j] = ar[2 * width + j] + r[j] * br[2 * width + j];
    tanh_in_place(n, width);
    for (int j = 0; j < width; ++j) out[j] = (T(1) - z[j]) * n[j] + z[j] * hr[j];
  }
  on_backward(h_next, [=] {
    const View<T> dh_next = h_next.grad();
    const Borrowed<T> memory(3 * std::int64_t{width});
    // The gradients of one row: of the gates before their nonlinearities, r, z and n one behind the other.
    T *dgates = memory.data(), *dr = dgates, *dz = dr + width, *dn = dz + width;
    auto da = a.sink(), db = b.sink(), dh = h.sink();
    Target<T> to_a{}, to_b{}, to_h{};
    if (da) to_a = da.open();
    if (db) to_b = db.open();
    if (dh) to_h = dh.open();
    for (int row = 0; row < rows; ++row) {
      const T *d = dh_next.row(row), *hr = h.rows().row(row), *bn = b.rows().row(row) + 2 * width;
      const T *r = gates.row(row), *z = r + width, *n = z + width;
      // tanh' = 1 − tanh² and σ' = σ (1 − σ)
      write_each(new_row(dn, width), [=](auto j) { return d[j] * (T(1) - z[j]) * (T(1) - n[j] * n[j]); });
      write_each(new_row(dz, width), [=](auto j) { return d[j] * (hr[j] - n[j]) * z[j] * (T(1) - z[j]); });
      write_each(new_row(dr, width), [=](auto j) { return dn[j] * bn[j] * r[j] * (T(1) - r[j]); });
      if (da) write_each(to_a.row_block(row, 1), [=](auto j) { return dgates[j]; });
      if (db) {
        const Target<T> to = to_b.row_block(row, 1);
        write_each(to.column_block(0, 2 * width), [=](auto j) { return dgates[j]; });
        write_each(to.column_block(2 * width, width), [=](auto j) { return dn[j] * r[j]; });
      }
      if (dh) write_each(to_h.row_block(row, 1), [=](auto j) { return d[j] * z[j]; });  // dh += dh' ⊙ z
    }
  });
  return h_next;
}

}  // namespace qkv
