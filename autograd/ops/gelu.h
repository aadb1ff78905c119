#pragma once

#include <cmath>
#include <numbers>

#include "qkv/autograd/tape.h"

namespace qkv {

/// y = x Φ(x), with Φ the standard normal distribution function: Φ(x) = (1 + erf(x/√2)) / 2
/// (Hendrycks & Gimpel 2016, section 2; the exact form, not the tanh approximation).
template <class T>
Var<T> gelu(Var<T> x) {
  Var<T> y = Tape<T>::make("gelu", x.shape(), {x});
  const T half(0.5), inverse_root_2(std::numbers::sqrt2 / 2);
  write_each(open_value(y), [=, a = x.data()](auto i) {
    using std::erf;
    return half * a[i] * (T(1) + erf(a[i] * inverse_root_2));
  });
  on_backward(y, [=] {
    const T inverse_root_2pi(std::numbers::inv_sqrtpi * std::numbers::sqrt2 / 2);
    const T *dy = y.grad().data, *a = x.data();
    if (auto dx = x.sink())
      write_each(dx.open(), [=](auto i) {  // dX += dY (Φ(x) + x φ(x)),   φ = Φ'
        using std::erf;
        using std::exp;
        const T distribution = half * (T(1) + erf(a[i] * inverse_root_2));
        const T density = inverse_root_2pi * exp(-half * a[i] * a[i]);
        return dy[i] * (distribution + a[i] * density);
      });
  });
  return y;
}

}  // namespace qkv
