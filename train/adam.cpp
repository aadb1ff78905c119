#include "qkv/train/adam.h"

#include <cmath>

namespace qkv {
namespace {

/// One step of Adam on n numbers; g = scale · gradient + weight_decay · p.
template <class T>
void adam_step(const AdamOptions& options, double learning_rate, std::int64_t step, double scale, std::size_t n,
               const T* __restrict gradient, T* __restrict p, T* __restrict m, T* __restrict v) {
  const double correction1 = 1 - std::pow(options.beta1, static_cast<double>(step));
  const double correction2 = 1 - std::pow(options.beta2, static_cast<double>(step));
  const T beta1(options.beta1), beta2(options.beta2), rest1(1 - options.beta1), rest2(1 - options.beta2);
  const T eps(options.eps), decay(options.weight_decay), factor(scale);
  const T rate(learning_rate / correction1), inverse_root(1 / std::sqrt(correction2));
  for (std::size_t i = 0; i < n; ++i) {
    const T g = factor * gradient[i] + decay * p[i];
    m[i] = beta1 * m[i] + rest1 * g;
    v[i] = beta2 * v[i] + rest2 * g * g;
    p[i] -= rate * m[i] / (std::sqrt(v[i]) * inverse_root + eps);
  }
}

}  // namespace

template <class T>
Adam<T>::Adam(Parameters<T>& parameters, const AdamOptions& options)
    : Optimiser<T>(parameters, options.lr, {"first_moment", "second_moment"}), options_(options) {
  check(options.beta1 >= 0 && options.beta1 < 1 && options.beta2 >= 0 && options.beta2 < 1,
        "adam: beta1 {} and beta2 {} must be at least 0 and below 1", options.beta1, options.beta2);
  check(options.eps > 0 && options.weight_decay >= 0, "adam: eps {} must be above 0 and weight_decay {} not below",
        options.eps, options.weight_decay);
}

template <class T>
void Adam<T>::update(std::size_t begin, std::size_t end, const Gradient<T>& gradient, double learning_rate, T* p) {
  adam_step(options_, learning_rate, this->steps(), gradient.scale, end - begin, gradient.numbers.data() + begin,
            p + begin, this->memory()[0].block.data() + begin, this->memory()[1].block.data() + begin);
}

template <class T>
AdamW<T>::AdamW(Parameters<T>& parameters, const AdamWOptions& options)
    : Adam<T>(parameters, {options.lr, options.beta1, options.beta2, options.eps, 0}),
      weight_decay_(options.weight_decay) {
  check(options.weight_decay >= 0, "adam: weight_decay {} is below 0", options.weight_decay);
}

template <class T>
void AdamW<T>::update(std::size_t begin, std::size_t end, const Gradient<T>& gradient, double learning_rate, T* p) {
  const T kept(1 - learning_rate * weight_decay_);
  for (std::size_t i = begin; i < end; ++i) p[i] *= kept;
  Adam<T>::update(begin, end, gradient, learning_rate, p);
}

template class Adam<float>;
template class Adam<double>;
template class AdamW<float>;
template class AdamW<double>;

}  // namespace qkv
