#pragma once

#include "qkv/autograd/random.h"
#include "qkv/autograd/tape.h"

namespace qkv {

/// Sets each element to 0 with probability p and divides the others by 1 − p, while the tape is training; returns x
/// itself otherwise (Srivastava et al. 2014). Which elements are dropped is a function of the tape's draw key (seed,
/// step), of how often dropout was used before in this step, and of the element's row in the batch, position and
/// feature. Neither padding nor the number of workers changes it.
/// x: [B, C], [B, L, C] or [B, heads, L, C]; or [C], which belongs to no row: every worker drops the same of it
/// returns the same shape
template <class T>
Var<T> dropout(Var<T> x, double p) {
  check(p >= 0 && p < 1, "dropout: probability {} is not in [0, 1)", p);
  check(x.rank() >= 1, "dropout: a scalar has no features to drop");
  Tape<T>& tape = Tape<T>::current();
  const auto use = static_cast<std::uint64_t>(tape.dropout_uses++);
  if (p == 0 || !tape.draws.training) return x;
  Var<T> y = Tape<T>::make("dropout", x.shape(), {x});
  const T kept_scale(1 / (1 - p));
  const auto threshold = static_cast<std::uint32_t>(p * 0x1p32);  // a draw of 32 bits below it drops the element
  const std::uint64_t key = mix64(mix64(mix64(tape.draws.seed) + tape.draws.step) + use);
  const int rank = x.rank(), first_row = rank == 1 ? 0 : tape.draws.first_row;
  const std::int64_t row_size = rank == 1 ? x.size() : x.size() / std::max(x.dim(0), 1);
  // What has a key of its own: with heads every position, so that no padding comes between them; else every row.
  const std::int64_t part_size = rank == 4 ? x.last() : row_size;

  // out = x ⊙ mask / (1 − p); forward and backward are the same map, so the mask is drawn again instead of kept.
  auto drop = [=](const T* from, Target<T> to) {
    for (std::int64_t start = 0; start < y.size(); start += part_size) {
      std::uint64_t part_key = mix64(key + static_cast<std::uint64_t>(first_row + start / row_size));
      if (rank == 4) {
        const std::int64_t position = start % row_size / part_size;  // of all heads
        part_key = mix64(mix64(part_key + static_cast<std::uint64_t>(position / y.dim(2))) +
                         static_cast<std::uint64_t>(position % y.dim(2)));
      }
      write_each(to.part(start, part_size), [=](auto i) {
        const auto draw = static_cast<std::uint32_t>(mix64(part_key + static_cast<std::uint64_t>(i)) >> 32);
        return draw < threshold ? T(0) : kept_scale * from[start + i];
      });
    }
  };
  drop(x.data(), open_value(y));
  on_backward(y, [=] {
    if (auto dx = x.sink()) drop(y.grad().data, dx.open());
  });
  return y;
}

}  // namespace qkv
