#pragma once

#include <algorithm>
#include <cmath>

#include "qkv/autograd/rows.h"

namespace qkv {

/// y[i] = exp(x[i] − shift) for i < n; returns their sum. The form for any scalar.
template <class T>
T exp_shifted_plain(const T* x, const T& shift, T* y, int n) {
  using std::exp;
  for (int i = 0; i < n; ++i) y[i] = exp(x[i] - shift);
  return sum_of<T>(n, [=](int i) { return y[i]; });
}

/// The same; float and double are computed several at a time with Eigen's vectorised exponential.
template <class T>
T exp_shifted(const T* x, const T& shift, T* y, int n) {
  return exp_shifted_plain(x, shift, y, n);
}
template <>
float exp_shifted<float>(const float* x, const float& shift, float* y, int n);
template <>
double exp_shifted<double>(const double* x, const double& shift, double* y, int n);

/// The largest of n > 0 numbers; float and double are compared several at a time. If one is NaN, it may be any of them.
template <class T>
T largest_of(const T* x, int n) {
  return *std::max_element(x, x + n);
}
template <>
float largest_of<float>(const float* x, int n);
template <>
double largest_of<double>(const double* x, int n);

/// σ(x) = 1 / (1 + exp(−x)) of one number. For negative x it is computed as exp(x) / (1 + exp(x)), so that the
/// exponential never overflows.
template <class T>
T sigmoid_of(const T& x) {
  using std::exp;
  if (x >= T(0)) return T(1) / (T(1) + exp(-x));
  const T e = exp(x);
  return e / (T(1) + e);
}

/// x[i] = σ(x[i]) for i < n, in place. The form for any scalar; float is computed several at a time.
template <class T>
void sigmoid_in_place(T* x, int n) {
  for (int i = 0; i < n; ++i) x[i] = sigmoid_of(x[i]);
}
template <>
void sigmoid_in_place<float>(float* x, int n);

/// x[i] = tanh(x[i]) for i < n, in place. The form for any scalar; float is computed several at a time.
template <class T>
void tanh_in_place(T* x, int n) {
  using std::tanh;
  for (int i = 0; i < n; ++i) x[i] = tanh(x[i]);
}
template <>
void tanh_in_place<float>(float* x, int n);

/// The softmax of the first `allowed` of `size` scores, in place; the others become 0, and all of them if none is
/// allowed. The largest score is subtracted first, so that no exponential overflows.
template <class T>
void softmax_in_place(T* scores, int allowed, int size) {
  if (allowed > 0) {
    const T inverse_sum = T(1) / exp_shifted(scores, largest_of(scores, allowed), scores, allowed);
    for (int i = 0; i < allowed; ++i) scores[i] *= inverse_sum;
  }
  for (int i = allowed; i < size; ++i) scores[i] = T(0);
}

}  // namespace qkv
