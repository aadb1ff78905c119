#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "qkv/layers/parameters.h"

namespace qkv {

/// A model of one's own with its parameters, initialised. The architecture is layers and a function:
///
///   template <class T>
///   struct Mlp {
///     explicit Mlp(const Path<T>& path) : inner(path / "inner", 2, 8), outer(path / "outer", 8, 1) {}
///     Var<T> operator()(Var<T> x) const { return outer(tanh(inner(x))); }
///     Linear<T> inner, outer;
///   };
///   Model<Mlp, float> model(seed);
///
/// What the architecture's constructor takes after the path is given after the seed.
template <template <class> class Architecture, class T>
class Model {
 public:
  template <class... Arguments>
  explicit Model(std::uint64_t seed, Arguments&&... arguments)
      : parameters_(std::make_unique<Parameters<T>>()),
        architecture_(parameters_->root(), std::forward<Arguments>(arguments)...) {
    parameters_->initialise(seed);
  }

  /// The architecture's function, on the current tape.
  template <class... Inputs>
  auto operator()(const Inputs&... inputs) const {
    return architecture_(inputs...);
  }

  /// Whatever else the architecture has.
  const Architecture<T>* operator->() const { return &architecture_; }

  Parameters<T>& parameters() { return *parameters_; }
  const Parameters<T>& parameters() const { return *parameters_; }

 private:
  std::unique_ptr<Parameters<T>> parameters_;  // layers point to it, wherever the model is moved
  Architecture<T> architecture_;
};

}  // namespace qkv
