#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "qkv/layers/parameters.h"
#include "qkv/train/gradient.h"

namespace qkv {

/// Moves parameters along their gradient. An optimiser is made for one set of parameters, which must outlive it, and
/// keeps what it has to remember in blocks of their layout. Compiled for float and double.
template <class T>
class Optimiser {
 public:
  virtual ~Optimiser() = default;
  Optimiser(const Optimiser&) = delete;
  Optimiser& operator=(const Optimiser&) = delete;

  /// One step, with the learning rate of the options or with this one, such as a Schedule's. Throws
  /// std::invalid_argument if the gradient does not fit the parameters.
  void step(const Gradient<T>& gradient) { step(gradient, lr_); }
  void step(const Gradient<T>& gradient, double learning_rate);

  /// How many steps it has made.
  std::int64_t steps() const { return steps_; }
  void set_steps(std::int64_t steps) { steps_ = steps; }

  /// What it remembers besides, by name, such as Adam's "first_moment": together with the parameters and `steps` all
  /// that is needed to go on, bit for bit.
  struct Memory {
    std::string name;
    Block<T> block;
  };
  std::vector<Memory>& memory() { return memory_; }
  const std::vector<Memory>& memory() const { return memory_; }

 protected:
  Optimiser(Parameters<T>& parameters, double learning_rate, std::vector<std::string> memory);

  /// The numbers from `begin` to `end` of everything: what one worker takes. p: the parameters.
  virtual void update(std::size_t begin, std::size_t end, const Gradient<T>& gradient, double learning_rate, T* p) = 0;

 private:
  Parameters<T>& parameters_;
  std::vector<Memory> memory_;
  double lr_;
  std::int64_t steps_ = 0;
};

extern template class Optimiser<float>;
extern template class Optimiser<double>;

}  // namespace qkv
