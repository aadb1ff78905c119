#pragma once

#include "qkv/autograd/exponential.h"
#include "qkv/autograd/tape.h"

namespace qkv {

/// One step of a gated recurrent unit (Cho et al. 2014, eqs. 5 to 8, in the form of torch.nn.GRU), from what the input
/// and the last state give each gate, x = W_ih input + b_ih and y = W_hh h + b_hh:
///   r = σ(x_r + y_r),  z = σ(x_z + y_z),  n = tanh(x_n + r ⊙ y_n),  h' = (1 − z) ⊙ n + z ⊙ h
/// x, y: [..., 3H] in the order r, z, n   h: [..., H]   returns h' [..., H]
template <class T>
Var<T> gru_gates(Var<T> x, Var<T> y, Var<T> h) {
  const int width = h.last(), rows = h.shape().rows();
  check(x.shape() == h.shape().with_last(3 * width) && y.shape() == x.shape(),
        "gru_gates: gates {} and {} do not fit a state {}: they need three times its features", x.shape(), y.shape(),
        h.shape());
  Var<T> next = Tape<T>::make("gru_gates", h.shape(), {x, y, h});
  T* gates = Tape<T>::current().template scratch<T>(static_cast<std::size_t>(x.size()));  // r, z, n of each row
  for (int i = 0; i < rows; ++i) {
    const std::int64_t at = std::int64_t{i} * width;
    const T *xr = x.data() + 3 * at, *yr = y.data() + 3 * at, *hr = h.data() + at;
    T *g = gates + 3 * at, *out = open_value(next).data + at;
    for (int j = 0; j < 2 * width; ++j) g[j] = xr[j] + yr[j];
    sigmoid_in_place(g, 2 * width);
    for (int j = 2 * width; j < 3 * width; ++j) g[j] = xr[j] + g[j - 2 * width] * yr[j];
    tanh_in_place(g + 2 * width, width);
    for (int j = 0; j < width; ++j) {
      const T z = g[width + j], n = g[2 * width + j];
      out[j] = (T(1) - z) * n + z * hr[j];
    }
  }
  on_backward(next, [=] {
    const View<T> dnext = next.grad();
    const Borrowed<T> memory(3 * std::int64_t{width});
    // The gradients of one row: of the gates before their nonlinearities, r, z and n one behind the other.
    T *dgates = memory.data(), *dr = dgates, *dz = dr + width, *dn = dz + width;
    auto dx = x.sink(), dy = y.sink(), dh = h.sink();
    Target<T> to_x{}, to_y{}, to_h{};
    if (dx) to_x = dx.open();
    if (dy) to_y = dy.open();
    if (dh) to_h = dh.open();
    for (int i = 0; i < rows; ++i) {
      const T *d = dnext.data + i * dnext.stride, *hr = h.data() + std::int64_t{i} * width;
      const T *r = gates + std::int64_t{3} * i * width, *z = r + width, *n = z + width;
      const T* yn = y.data() + std::int64_t{3} * i * width + std::int64_t{2} * width;
      // tanh' = 1 − tanh² and σ' = σ (1 − σ)
      write_each(new_row(dn, width), [=](auto j) { return d[j] * (T(1) - z[j]) * (T(1) - n[j] * n[j]); });
      write_each(new_row(dz, width), [=](auto j) { return d[j] * (hr[j] - n[j]) * z[j] * (T(1) - z[j]); });
      write_each(new_row(dr, width), [=](auto j) { return dn[j] * yn[j] * r[j] * (T(1) - r[j]); });
      if (dx) write_each(to_x.row_block(i, 1), [=](auto j) { return dgates[j]; });
      if (dy) {
        const Target<T> row = to_y.row_block(i, 1);
        write_each(row.column_block(0, 2 * width), [=](auto j) { return dgates[j]; });
        write_each(row.column_block(2 * width, width), [=](auto j) { return dn[j] * r[j]; });
      }
      if (dh) write_each(to_h.row_block(i, 1), [=](auto j) { return d[j] * z[j]; });  // dh += dh' ⊙ z
    }
  });
  return next;
}

}  // namespace qkv
