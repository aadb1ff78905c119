#pragma once

#include <cstddef>
#include <cstdint>

namespace qkv {

/// How Adam moves parameters; the defaults are those of torch.optim.Adam.
struct AdamSettings {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0;  ///< adds weight_decay · p to the gradient

  friend bool operator==(const AdamSettings&, const AdamSettings&) = default;
};

/// One step of Adam (Kingma & Ba 2015, algorithm 1, in the arrangement of torch.optim.Adam) for n parameters p:
///   g ← scale · gradient + weight_decay · p
///   m ← β₁ m + (1 − β₁) g,   v ← β₂ v + (1 − β₂) g²
///   p ← p − lr / (1 − β₁ᵗ) · m / (√(v / (1 − β₂ᵗ)) + eps)
/// `step` is t, counted from 1. `scale` is what clipping multiplies the gradient by.
template <class T>
void adam_step(const AdamSettings& settings, double learning_rate, std::int64_t step, double scale, std::size_t n,
               const T* gradient, T* p, T* m, T* v);

}  // namespace qkv
