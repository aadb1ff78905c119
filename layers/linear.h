#pragma once

#include "autograd/ops/linear.h"
#include "layers/parameters.h"

namespace qkv {

/// y = x Wᵀ + b, with weight [out, in] and bias [out].   x: [..., in]   returns [..., out]
template <class T>
class Linear {
 public:
  Linear(const Path<T>& path, int in, int out)
      : path_(path.name()),
        weight_(path.add("weight", {out, in}, Initialise::xavier)),
        bias_(path.add("bias", {out}, Initialise::zeros)) {}

  /// A layer whose weight belongs to another one too: tied embeddings.
  Linear(const Path<T>& path, Parameter<T> shared_weight, int out)
      : path_(path.name()), weight_(shared_weight), bias_(path.add("bias", {out}, Initialise::zeros)) {}

  Var<T> operator()(Var<T> x) const {
    const InModule here(path_);
    return linear(x, weight_(), bias_());
  }

  const std::string& path() const { return path_; }
  Parameter<T> weight() const { return weight_; }
  Parameter<T> bias() const { return bias_; }

 private:
  std::string path_;
  Parameter<T> weight_, bias_;
};

}  // namespace qkv
