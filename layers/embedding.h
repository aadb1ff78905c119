#pragma once

#include "qkv/autograd/ops/embedding.h"
#include "qkv/layers/parameters.h"
#include "qkv/layers/tokens.h"

namespace qkv {

/// A vector for every id: row i of weight [vocabulary, C] stands for id i.   returns [B, L, C]
template <class T>
class Embedding {
 public:
  /// The vectors are multiplied by `factor`: √C in the Transformer (Vaswani et al. 2017, section 3.4), whose tables
  /// begin small: see docs/decisions.md.
  Embedding(const Path<T>& path, int vocabulary, int width, double factor = 1.0)
      : path_(path.name()),
        weight_(path.add("weight", {vocabulary, width}, factor == 1.0 ? Initialise::unit_normal : Initialise::xavier)),
        factor_(factor) {}

  Var<T> operator()(const Tokens& tokens) const {
    const InModule here(path_);
    return embedding(weight_(), tokens.ids, tokens.shape(), factor_);
  }

  Parameter<T> weight() const { return weight_; }

 private:
  std::string path_;
  Parameter<T> weight_;
  double factor_;
};

}  // namespace qkv
