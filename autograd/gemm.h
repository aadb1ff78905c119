#pragma once

#include "qkv/autograd/dual.h"
#include "qkv/autograd/view.h"

namespace qkv {

/// The one seam that all matrix products go through: c = a b, or c += a b if the target accumulates.
/// a: m × k, b: k × n, c: m × n; transposed views cost no copy. Compiled for float, double and DualDouble.
/// Throws std::invalid_argument if the sizes do not fit.
template <class T>
void gemm(View<T> a, View<T> b, Target<T> c);

extern template void gemm<float>(View<float>, View<float>, Target<float>);
extern template void gemm<double>(View<double>, View<double>, Target<double>);
extern template void gemm<DualDouble>(View<DualDouble>, View<DualDouble>, Target<DualDouble>);

/// The same by its definition, for any scalar: what gemm is tested against, and what duals use, since eight directions
/// in a plain loop are faster than in Eigen's product.
template <class T>
void gemm_by_definition(View<T> a, View<T> b, Target<T> c) {
  for (int i = 0; i < c.rows; ++i) {
    T* row = c.data + i * c.stride;
    if (!c.accumulate)
      for (int j = 0; j < c.columns; ++j) row[j] = T(0);
    for (int p = 0; p < a.columns; ++p) {
      const T factor = a(i, p);
      for (int j = 0; j < c.columns; ++j) row[j] += factor * b(p, j);
    }
  }
}

/// To be called once by every thread before its first product: the library behind large float products would start
/// threads of its own otherwise, while qkv is parallel over the batch.
void use_one_thread_per_product();

/// "oneDNN" or "Eigen": what float products run on in this build if they are too large for
/// autograd/kernels/small_product.h.
const char* gemm_library();

}  // namespace qkv
