#pragma once

#include "qkv/autograd/ops/dropout.h"

namespace qkv {

/// Drops features with probability p while the tape is training; see autograd/ops/dropout.h.
template <class T>
class Dropout {
 public:
  explicit Dropout(double p) : p_(p) { check(p >= 0 && p < 1, "dropout: probability {} is not in [0, 1)", p); }
  Var<T> operator()(Var<T> x) const { return dropout(x, p_); }

 private:
  double p_;
};

}  // namespace qkv
