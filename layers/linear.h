#pragma once

#include <optional>

#include "qkv/autograd/ops/linear_transposed.h"
#include "qkv/layers/parameters.h"

namespace qkv {

template <class T>
class LinearSteps;

/// y = x Wᵀ + b, with weight [out, in] and bias [out].   x: [..., in]   returns [..., out]
template <class T>
class Linear {
 public:
  Linear(const Path<T>& path, int in, int out, Initialise how = Initialise::xavier)
      : path_(path.name()),
        weight_(path.add("weight", {out, in}, how)),
        bias_(path.add("bias", {out}, Initialise::zeros)) {}

  /// A layer whose weight belongs to another one too: tied embeddings.
  Linear(const Path<T>& path, Parameter<T> shared_weight, int out)
      : path_(path.name()), weight_(shared_weight), bias_(path.add("bias", {out}, Initialise::zeros)) {}

  Var<T> operator()(Var<T> x) const {
    const InModule here(path_);
    return linear(x, weight_(), bias_());
  }

  /// The same layer for `count` steps of a recurrent network, which reads the output of one step in the next.
  LinearSteps<T> steps(int count) const { return {path_, weight_(), bias_(), count}; }

  const std::string& path() const { return path_; }
  Parameter<T> weight() const { return weight_; }
  Parameter<T> bias() const { return bias_; }

 private:
  std::string path_;
  Parameter<T> weight_, bias_;
};

/// y = x Wᵀ + b at every step of a recurrent network, on the current tape. A product of few rows x reads Wᵀ faster than
/// W (docs/decisions.md), so the transpose is copied first, once for all steps if there are several. Not to be kept
/// longer than the layer, or than the tape until its next rewind; an update of the weight in between is not seen.
template <class T>
class LinearSteps {
 public:
  LinearSteps(const std::string& path, Var<T> weight, Var<T> bias, int steps)
      : path_(path), weight_(weight), bias_(bias) {
    if (steps > 1) transposed_ = transposed_copy(weight);
  }
  LinearSteps(std::string&& path, Var<T> weight, Var<T> bias, int steps) = delete;

  Var<T> operator()(Var<T> x) const {
    const InModule here(path_);
    return transposed_ ? linear_transposed(x, weight_, bias_, *transposed_) : linear(x, weight_, bias_);
  }

 private:
  const std::string& path_;
  Var<T> weight_, bias_;
  std::optional<View<T>> transposed_;
};

}  // namespace qkv
