#include "qkv/train/optimiser_kind.h"

#include "qkv/train/sgd.h"

namespace qkv {

template <class T>
std::unique_ptr<Optimiser<T>> make_optimiser(OptimiserKind kind, Parameters<T>& parameters,
                                             const AdamOptions& options) {
  const auto [lr, beta1, beta2, eps, weight_decay] = options;
  switch (kind) {
    case OptimiserKind::adam:
      return std::make_unique<Adam<T>>(parameters, options);
    case OptimiserKind::adamw:
      return std::make_unique<AdamW<T>>(
          parameters, AdamWOptions{.lr = lr, .beta1 = beta1, .beta2 = beta2, .eps = eps, .weight_decay = weight_decay});
    case OptimiserKind::sgd:
      return std::make_unique<Sgd<T>>(parameters,
                                      SgdOptions{.lr = lr, .momentum = beta1, .weight_decay = weight_decay});
  }
  throw std::invalid_argument("make_optimiser: there is no such optimiser");
}

template std::unique_ptr<Optimiser<float>> make_optimiser(OptimiserKind, Parameters<float>&, const AdamOptions&);
template std::unique_ptr<Optimiser<double>> make_optimiser(OptimiserKind, Parameters<double>&, const AdamOptions&);

}  // namespace qkv
