#pragma once

#include "qkv/autograd/ops/scale.h"
#include "qkv/autograd/ops/sum.h"

namespace qkv {

/// y = Σᵢ xᵢ / n over all n elements.   returns a scalar
template <class T>
Var<T> mean(Var<T> x) {
  check(x.size() > 0, "mean: {} has no elements", x.shape());
  return scale(sum(x), 1.0 / static_cast<double>(x.size()));
}

}  // namespace qkv
