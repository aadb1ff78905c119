#include "qkv/train/optimiser.h"

#include <utility>

namespace qkv {

template <class T>
Optimiser<T>::Optimiser(Parameters<T>& parameters, double learning_rate, std::vector<std::string> memory)
    : parameters_(parameters), lr_(learning_rate) {
  check(learning_rate > 0, "optimiser: the learning rate is {}, but it must be above 0", learning_rate);
  for (std::string& name : memory) memory_.push_back({std::move(name), Block<T>(parameters.size())});
}

template <class T>
void Optimiser<T>::step(const Gradient<T>& gradient, double learning_rate) {
  check(gradient.numbers.size() == parameters_.size(), "optimiser: a gradient of {} numbers does not fit {} parameters",
        gradient.numbers.size(), parameters_.size());
  ++steps_;
  T* const p = parameters_.values().data();
  if (gradient.team == nullptr) return update(0, parameters_.size(), gradient, learning_rate, p);
  gradient.team->run([&](int worker) {
    const auto [begin, end] = gradient.team->template share<T>(parameters_.size(), worker);
    update(begin, end, gradient, learning_rate, p);
  });
}

template class Optimiser<float>;
template class Optimiser<double>;

}  // namespace qkv
