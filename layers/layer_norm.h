#pragma once

#include "qkv/autograd/ops/add_layer_norm.h"
#include "qkv/autograd/ops/layer_norm.h"
#include "qkv/layers/parameters.h"

namespace qkv {

/// Normalises the features of each position, then scales and shifts them by weight and bias [C]; eps is 1e-5.
template <class T>
class LayerNorm {
 public:
  LayerNorm(const Path<T>& path, int width)
      : path_(path.name()),
        weight_(path.add("weight", {width}, Initialise::ones)),
        bias_(path.add("bias", {width}, Initialise::zeros)) {}

  Var<T> operator()(Var<T> x) const {
    const InModule here(path_);
    return layer_norm(x, weight_(), bias_());
  }

  /// norm(x + r)
  Var<T> of_sum(Var<T> x, Var<T> r) const {
    const InModule here(path_);
    return add_layer_norm(x, r, weight_(), bias_());
  }

 private:
  std::string path_;
  Parameter<T> weight_, bias_;
};

}  // namespace qkv
