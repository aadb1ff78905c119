#pragma once

#include "qkv/autograd/random.h"
#include "qkv/autograd/tape.h"

namespace qkv {

/// Which elements one use of dropout drops: each with probability p, as a function of the tape's draw key (seed, step),
/// of how often dropout was used before in this step, and of the element's row in the batch, position and feature; with
/// heads, of head, query and key in place of the latter. Neither padding nor the number of workers changes it.
class DropoutMask {
 public:
  /// What has a key of its own: a row of the batch, or in a row the query of a head.
  using Key = std::uint64_t;

  /// For the next use on this tape.
  template <class T>
  DropoutMask(Tape<T>& tape, double p)
      : key_(mix64(mix64(mix64(tape.draws.seed) + tape.draws.step) + static_cast<std::uint64_t>(tape.dropout_uses++))),
        first_row_(tape.draws.first_row),
        threshold_(static_cast<std::uint32_t>(p * 0x1p32)) {}

  /// Row b of the shard, or what belongs to no row.
  Key of_row(std::int64_t b) const { return mix64(key_ + static_cast<std::uint64_t>(first_row_ + b)); }
  Key of_no_row() const { return mix64(key_); }
  static Key of_query(Key row, std::int64_t head, std::int64_t query) {
    return mix64(mix64(row + static_cast<std::uint64_t>(head)) + static_cast<std::uint64_t>(query));
  }

  /// Whether the i-th element of what has this key is dropped: a draw of 32 bits is below the threshold.
  bool drops(Key key, std::int64_t i) const {
    return static_cast<std::uint32_t>(mix64(key + static_cast<std::uint64_t>(i)) >> 32) < threshold_;
  }

 private:
  std::uint64_t key_;
  std::int64_t first_row_;
  std::uint32_t threshold_;
};

/// Sets each element to 0 with probability p and divides the others by 1 − p, while the tape is training; returns x
/// itself otherwise (Srivastava et al. 2014). DropoutMask says which elements are dropped.
/// x: [B, C], [B, L, C] or [B, heads, L, C]; or [C], which belongs to no row: every worker drops the same of it
/// returns the same shape
template <class T>
Var<T> dropout(Var<T> x, double p) {
  check(p >= 0 && p < 1, "dropout: probability {} is not in [0, 1)", p);
  check(x.rank() >= 1, "dropout: a scalar has no features to drop");
  Tape<T>& tape = Tape<T>::current();
  const DropoutMask mask(tape, p);
  if (p == 0 || !tape.draws.training) return x;
  Var<T> y = Tape<T>::make("dropout", x.shape(), {x});
  const T kept_scale(1 / (1 - p));
  const int rank = x.rank();
  const std::int64_t row_size = rank == 1 ? x.size() : x.size() / std::max(x.dim(0), 1);
  // What has a key of its own: with heads every position, so that no padding comes between them; else every row.
  const std::int64_t part_size = rank == 4 ? x.last() : row_size;

  // out = x ⊙ mask / (1 − p); forward and backward are the same map, so the mask is drawn again instead of kept.
  auto drop = [=](const T* from, Target<T> to) {
    for (std::int64_t start = 0; start < y.size(); start += part_size) {
      DropoutMask::Key key = rank == 1 ? mask.of_no_row() : mask.of_row(start / row_size);
      if (rank == 4) {
        const std::int64_t position = start % row_size / part_size;  // of all heads
        key = DropoutMask::of_query(key, position / y.dim(2), position % y.dim(2));
      }
      write_each(to.part(start, part_size),
                 [=](auto i) { return mask.drops(key, i) ? T(0) : kept_scale * from[start + i]; });
    }
  };
  drop(x.data(), open_value(y));
  on_backward(y, [=] {
    if (auto dx = x.sink()) drop(y.grad().data, dx.open());
  });
  return y;
}

}  // namespace qkv
