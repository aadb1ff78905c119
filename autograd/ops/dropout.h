#pragma once

#include "qkv/autograd/random.h"
#include "qkv/autograd/tape.h"

namespace qkv {

/// Sets each element to 0 with probability p and divides the others by 1 − p, while the tape is training; returns x
/// itself otherwise (Srivastava et al. 2014). Which elements are dropped is a function of the tape's draw key (seed,
/// step), of how often dropout was used before in this step, and of the element's sentence in the batch, position and
/// feature. Neither padding nor the number of workers changes it.   x: [B, L, C]   returns the same shape
template <class T>
Var<T> dropout(Var<T> x, double p) {
  check(p >= 0 && p < 1, "dropout: probability {} is not in [0, 1)", p);
  check(x.rank() == 3, "dropout: {} is not [sentences, positions, features]", x.shape());
  Tape<T>& tape = Tape<T>::current();
  const auto use = static_cast<std::uint64_t>(tape.dropout_uses++);
  if (p == 0 || !tape.draws.training) return x;
  Var<T> y = Tape<T>::make("dropout", x.shape(), {x});
  const T kept_scale(1 / (1 - p));
  const auto threshold = static_cast<std::uint32_t>(p * 0x1p32);  // a draw of 32 bits below it drops the element
  const std::uint64_t key = mix64(mix64(mix64(tape.draws.seed) + tape.draws.step) + use);
  const int first_sentence = tape.draws.first_sentence;
  const std::int64_t sentence_size = std::int64_t{x.dim(1)} * x.last();

  // out = x ⊙ mask / (1 − p); forward and backward are the same map, so the mask is drawn again instead of kept.
  auto drop = [=](const T* from, Target<T> to) {
    for (std::int64_t start = 0; start < y.size(); start += sentence_size) {
      const std::uint64_t sentence_key =
          mix64(key + static_cast<std::uint64_t>(first_sentence + start / sentence_size));
      const Target<T> part{to.data + start, 1, static_cast<int>(sentence_size), sentence_size, to.accumulate};
      write_each(part, [=](auto i) {
        const auto draw = static_cast<std::uint32_t>(mix64(sentence_key + static_cast<std::uint64_t>(i)) >> 32);
        return draw < threshold ? T(0) : kept_scale * from[start + i];
      });
    }
  };
  drop(x.data(), assign(y));
  on_backward(y, [=] {
    if (auto dx = x.sink()) drop(y.grad().data, dx.target());
  });
  return y;
}

}  // namespace qkv
