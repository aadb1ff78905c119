#include "qkv/autograd/exponential.h"

#include <algorithm>
#include <limits>
#include <type_traits>

#include "qkv/autograd/kernels/lanes.h"

namespace qkv {
namespace {

/// exp(d). Where it underflows, Eigen's exponential of a register ends, depending on its width, at some number below
/// the smallest normal one; here it ends at 0, because that is taken from it. Called instead of inlined, it would make
/// a softmax a fifth slower.
template <class T, int width>
[[gnu::always_inline]] inline Lanes<T, width> exp_of(const Lanes<T, width>& d) {
  const Lanes<T, width> e = d.exp();
  return e - e.min(std::numeric_limits<T>::min());
}

// The last register of a row ends with its last number, so it may overlap the one before: it is read before that is
// written, and what was added to the sum already is not added again.

template <int width, class T>
T exp_shifted_by_registers(const T* x, T shift, T* y, int n) {
  const Lanes<T, width> last = exp_of<T, width>(load<width>(x + n - width) - shift);
  Lanes<T, width> sum = Lanes<T, width>::Zero();
  int i = 0;
  for (; i + width < n; i += width) {
    const Lanes<T, width> e = exp_of<T, width>(load<width>(x + i) - shift);
    store(y + i, e);
    sum += e;
  }
  store(y + n - width, last);
  if (i + width == n) return (sum + last).sum();
  T total = sum.sum();
  for (; i < n; ++i) total += y[i];
  return total;
}

template <int width, class T>
T largest_by_registers(const T* x, int n) {
  Lanes<T, width> largest = load<width>(x + n - width);
  for (int i = 0; i + width < n; i += width) largest = largest.max(load<width>(x + i));
  return largest.maxCoeff();
}

/// Calls what computes with registers of the widest kind that n numbers fill, `function(std::integral_constant<int,
/// width>)`, or `plain()` if they fill none.
template <class T, class Function, class Plain>
T with_registers(int n, Function function, Plain plain) {
  constexpr int widest = register_width<T>;
  if (n >= widest) return function(std::integral_constant<int, widest>());
  if (n >= widest / 2) return function(std::integral_constant<int, widest / 2>());
  if (n >= 4 && widest > 8) return function(std::integral_constant<int, 4>());
  return plain();
}

template <class T>
T exp_shifted_vectorised(const T* x, T shift, T* y, int n) {
  return with_registers<T>(
      n, [=](auto width) { return exp_shifted_by_registers<width>(x, shift, y, n); },
      [=] { return exp_shifted_plain(x, shift, y, n); });
}

template <class T>
T largest_vectorised(const T* x, int n) {
  return with_registers<T>(
      n, [=](auto width) { return largest_by_registers<width>(x, n); }, [=] { return *std::max_element(x, x + n); });
}

}  // namespace

template <>
float exp_shifted<float>(const float* x, const float& shift, float* y, int n) {
  return exp_shifted_vectorised(x, shift, y, n);
}

template <>
double exp_shifted<double>(const double* x, const double& shift, double* y, int n) {
  return exp_shifted_vectorised(x, shift, y, n);
}

template <>
float largest_of<float>(const float* x, int n) {
  return largest_vectorised(x, n);
}

template <>
double largest_of<double>(const double* x, int n) {
  return largest_vectorised(x, n);
}

template <>
void sigmoid_in_place<float>(float* x, int n) {
  Eigen::Map<Eigen::ArrayXf> row(x, n);
  row = (1 + (-row).exp()).inverse();  // where exp(−x) overflows to infinity, this is 0 as it should be
}

template <>
void tanh_in_place<float>(float* x, int n) {
  Eigen::Map<Eigen::ArrayXf> row(x, n);
  row = row.tanh();
}

}  // namespace qkv
