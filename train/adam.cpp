#include "qkv/train/adam.h"

#include <cmath>

namespace qkv {

template <class T>
void adam_step(const AdamSettings& settings, double learning_rate, std::int64_t step, double scale, std::size_t n,
               const T* __restrict gradient, T* __restrict p, T* __restrict m, T* __restrict v) {
  const double correction1 = 1 - std::pow(settings.beta1, static_cast<double>(step));
  const double correction2 = 1 - std::pow(settings.beta2, static_cast<double>(step));
  const T beta1(settings.beta1), beta2(settings.beta2), rest1(1 - settings.beta1), rest2(1 - settings.beta2);
  const T eps(settings.eps), decay(settings.weight_decay), factor(scale);
  const T rate(learning_rate / correction1), inverse_root(1 / std::sqrt(correction2));
  for (std::size_t i = 0; i < n; ++i) {
    const T g = factor * gradient[i] + decay * p[i];
    m[i] = beta1 * m[i] + rest1 * g;
    v[i] = beta2 * v[i] + rest2 * g * g;
    p[i] -= rate * m[i] / (std::sqrt(v[i]) * inverse_root + eps);
  }
}

template void adam_step<float>(const AdamSettings&, double, std::int64_t, double, std::size_t, const float*, float*,
                               float*, float*);
template void adam_step<double>(const AdamSettings&, double, std::int64_t, double, std::size_t, const double*, double*,
                                double*, double*);

}  // namespace qkv
