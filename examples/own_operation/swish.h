#pragma once

#include "qkv/autograd/ops/sigmoid.h"

/// y = x σ(x), element by element: swish, also called SiLU (Ramachandran, Zoph & Le 2017).
template <class T>
qkv::Var<T> swish(qkv::Var<T> x) {
  qkv::Var<T> y = qkv::Tape<T>::make("swish", x.shape(), {x});
  write_each(open_value(y), [a = x.data()](auto i) { return a[i] * qkv::sigmoid_of(a[i]); });
  on_backward(y, [=] {
    const T *dy = y.grad().data, *a = x.data();
    if (auto dx = x.sink())
      write_each(dx.open(), [=](auto i) {  // dX += dY (σ + x σ (1 − σ))
        const T s = qkv::sigmoid_of(a[i]);
        return dy[i] * (s + a[i] * s * (T(1) - s));
      });
  });
  return y;
}

/// The same with a mistake that is easily made: the backward forgets that σ depends on x too.
template <class T>
qkv::Var<T> wrong_swish(qkv::Var<T> x) {
  qkv::Var<T> y = qkv::Tape<T>::make("wrong_swish", x.shape(), {x});
  write_each(open_value(y), [a = x.data()](auto i) { return a[i] * qkv::sigmoid_of(a[i]); });
  on_backward(y, [=] {
    const T *dy = y.grad().data, *a = x.data();
    if (auto dx = x.sink()) write_each(dx.open(), [=](auto i) { return dy[i] * qkv::sigmoid_of(a[i]); });
  });
  return y;
}
