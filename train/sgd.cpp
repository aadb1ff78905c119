#include "qkv/train/sgd.h"

namespace qkv {

template <class T>
Sgd<T>::Sgd(Parameters<T>& parameters, const SgdOptions& options)
    : Optimiser<T>(parameters, options.lr,
                   options.momentum == 0 ? std::vector<std::string>{} : std::vector<std::string>{"momentum"}),
      options_(options) {
  check(options.momentum >= 0 && options.momentum < 1, "sgd: momentum {} must be at least 0 and below 1",
        options.momentum);
  check(options.weight_decay >= 0, "sgd: weight_decay {} is below 0", options.weight_decay);
}

template <class T>
void Sgd<T>::update(std::size_t begin, std::size_t end, const Gradient<T>& gradient, double learning_rate, T* p) {
  const T scale(gradient.scale), decay(options_.weight_decay), momentum(options_.momentum), rate(learning_rate);
  const T* const numbers = gradient.numbers.data();
  if (options_.momentum == 0) {
    for (std::size_t i = begin; i < end; ++i) p[i] -= rate * (scale * numbers[i] + decay * p[i]);
    return;
  }
  T* const b = this->memory()[0].block.data();
  for (std::size_t i = begin; i < end; ++i) {
    b[i] = momentum * b[i] + (scale * numbers[i] + decay * p[i]);
    p[i] -= rate * b[i];
  }
}

template class Sgd<float>;
template class Sgd<double>;

}  // namespace qkv
