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

/// y[b, j] = Σₖ x[b, k, j] / n: the mean over one dimension (negative counts from the end), which goes away.
/// x: [..., n, ...] with n > 0   returns the shape without that dimension
template <class T>
Var<T> mean(Var<T> x, int dimension) {
  const int n = x.dim(dimension);
  check(n > 0, "mean: dimension {} of {} has no entries", dimension, x.shape());
  return scale(sum(x, dimension), 1.0 / n);
}

}  // namespace qkv
