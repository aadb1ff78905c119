#pragma once

#include "qkv/train/optimiser.h"

namespace qkv {

/// The defaults are those of torch.optim.SGD.
struct SgdOptions {
  double lr = 1e-3;
  double momentum = 0;
  double weight_decay = 0;
};

/// Stochastic gradient descent (as torch.optim.SGD):
///   g ← gradient + weight_decay · p,   b ← momentum · b + g,   p ← p − lr · b
/// Without momentum b is g. Throws std::invalid_argument if an option is out of its range. b is its memory, "momentum".
template <class T>
class Sgd : public Optimiser<T> {
 public:
  explicit Sgd(Parameters<T>& parameters, const SgdOptions& options = {});

 protected:
  void update(std::size_t begin, std::size_t end, const Gradient<T>& gradient, double learning_rate, T* p) override;

 private:
  SgdOptions options_;
};

extern template class Sgd<float>;
extern template class Sgd<double>;

}  // namespace qkv
