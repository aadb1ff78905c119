#pragma once

#include "qkv/autograd/rows.h"
#include "qkv/autograd/tape.h"

namespace qkv {

/// loss = Σᵢ (yᵢ − tᵢ)² / n over all n elements, as torch.nn.functional.mse_loss.
/// y, target t: the same shape   returns a scalar
template <class T>
Var<T> mean_squared_error(Var<T> y, Var<T> target) {
  check(y.shape() == target.shape(), "mean_squared_error: {} and the target {} differ{}", y.shape(), target.shape(),
        y.size() == target.size() ? "; reshape one of them?" : "");
  check(y.size() > 0, "mean_squared_error: {} has no elements", y.shape());
  Var<T> loss = Tape<T>::make("mean_squared_error", Shape{}, {y, target});
  const T share(1.0 / static_cast<double>(y.size()));
  const T *a = y.data(), *t = target.data();
  open_value(loss).data[0] =
      share * sum_of<T>(static_cast<int>(y.size()), [=](int i) { return (a[i] - t[i]) * (a[i] - t[i]); });
  on_backward(loss, [=] {
    const T slope = T(2) * share * loss.grad().data[0];
    if (auto dy = y.sink()) write_each(dy.open(), [=](auto i) { return slope * (a[i] - t[i]); });
    if (auto dt = target.sink()) write_each(dt.open(), [=](auto i) { return slope * (t[i] - a[i]); });
  });
  return loss;
}

}  // namespace qkv
