#pragma once

#include <cstddef>
#include <cstdint>

#include "qkv/train/optimiser.h"

namespace qkv {

/// The defaults are those of torch.optim.Adam.
struct AdamOptions {
  double lr = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0;

  friend bool operator==(const AdamOptions&, const AdamOptions&) = default;
};

/// Adam (Kingma & Ba 2015, algorithm 1, in the arrangement of torch.optim.Adam), with t the step, from 1:
///   g ← gradient + weight_decay · p
///   m ← β₁ m + (1 − β₁) g,   v ← β₂ v + (1 − β₂) g²
///   p ← p − lr / (1 − β₁ᵗ) · m / (√(v / (1 − β₂ᵗ)) + eps)
/// Throws std::invalid_argument if an option is out of its range. m and v are its memory: "first_moment" and
/// "second_moment".
template <class T>
class Adam : public Optimiser<T> {
 public:
  explicit Adam(Parameters<T>& parameters, const AdamOptions& options = {});

 protected:
  void update(std::size_t begin, std::size_t end, const Gradient<T>& gradient, double learning_rate, T* p) override;

 private:
  AdamOptions options_;
};

/// The defaults are those of torch.optim.AdamW.
struct AdamWOptions {
  double lr = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 1e-2;
};

/// Adam with decoupled weight decay (Loshchilov & Hutter 2019, algorithm 2, as torch.optim.AdamW): the decay does not
/// pass through the moments.
///   p ← p − lr · weight_decay · p,   then Adam's step with g ← gradient
template <class T>
class AdamW : public Adam<T> {
 public:
  explicit AdamW(Parameters<T>& parameters, const AdamWOptions& options = {});

 protected:
  void update(std::size_t begin, std::size_t end, const Gradient<T>& gradient, double learning_rate, T* p) override;

 private:
  double weight_decay_;
};

extern template class Adam<float>;
extern template class Adam<double>;
extern template class AdamW<float>;
extern template class AdamW<double>;

}  // namespace qkv
