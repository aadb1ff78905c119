#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>

namespace qkv {

/// A number and its derivatives along N directions at once: value + Σₖ εₖ d[k], with εₖ εₗ = 0. Running a forward pass
/// on duals gives exact directional derivatives, without a step size (forward-mode differentiation; Griewank & Walther
/// 2008, chapter 3). Comparisons look at the value only.
template <class T, int N>
struct Dual {
  T value{};
  std::array<T, N> d{};

  Dual() = default;
  Dual(T number) : value(number) {}  // a constant is a dual without derivatives  NOLINT(google-explicit-constructor)

  Dual& operator+=(const Dual& b) {
    value += b.value;
    for (std::size_t k = 0; k < N; ++k) d[k] += b.d[k];
    return *this;
  }
  Dual& operator-=(const Dual& b) {
    value -= b.value;
    for (std::size_t k = 0; k < N; ++k) d[k] -= b.d[k];
    return *this;
  }
  Dual& operator*=(const Dual& b) {
    for (std::size_t k = 0; k < N; ++k) d[k] = d[k] * b.value + value * b.d[k];
    value *= b.value;
    return *this;
  }
  Dual& operator/=(const Dual& b) {
    value /= b.value;
    for (std::size_t k = 0; k < N; ++k) d[k] = (d[k] - value * b.d[k]) / b.value;
    return *this;
  }

  friend Dual operator+(Dual a, const Dual& b) { return a += b; }
  friend Dual operator-(Dual a, const Dual& b) { return a -= b; }
  friend Dual operator*(Dual a, const Dual& b) { return a *= b; }
  friend Dual operator/(Dual a, const Dual& b) { return a /= b; }
  friend Dual operator-(const Dual& a) { return chain(a, -a.value, T(-1)); }

  friend bool operator==(const Dual& a, const Dual& b) { return a.value == b.value; }
  friend auto operator<=>(const Dual& a, const Dual& b) { return a.value <=> b.value; }

  friend Dual exp(const Dual& a) {
    using std::exp;
    const T e = exp(a.value);
    return chain(a, e, e);
  }
  friend Dual log(const Dual& a) {
    using std::log;
    return chain(a, log(a.value), T(1) / a.value);
  }
  friend Dual sqrt(const Dual& a) {
    using std::sqrt;
    const T root = sqrt(a.value);
    return chain(a, root, T(0.5) / root);
  }
  friend Dual tanh(const Dual& a) {
    using std::tanh;
    const T y = tanh(a.value);
    return chain(a, y, T(1) - y * y);
  }
  friend Dual log1p(const Dual& a) {
    using std::log1p;
    return chain(a, log1p(a.value), T(1) / (T(1) + a.value));
  }
  friend Dual pow(const Dual& a, double exponent) {
    using std::pow;
    return chain(a, pow(a.value, T(exponent)), T(exponent) * pow(a.value, T(exponent - 1)));
  }
  friend Dual sin(const Dual& a) {
    using std::cos, std::sin;
    return chain(a, sin(a.value), cos(a.value));
  }
  friend Dual cos(const Dual& a) {
    using std::cos, std::sin;
    return chain(a, cos(a.value), -sin(a.value));
  }
  friend Dual abs(const Dual& a) { return a.value < T(0) ? -a : a; }
  friend Dual erf(const Dual& a) {
    using std::erf;
    using std::exp;
    return chain(a, erf(a.value), T(2 * std::numbers::inv_sqrtpi) * exp(-a.value * a.value));
  }
  friend bool isfinite(const Dual& a) {
    using std::isfinite;
    bool finite = isfinite(a.value);
    for (const T& derivative : a.d) finite = finite && isfinite(derivative);
    return finite;
  }

 private:
  /// f(a) by the chain rule, from f's value and slope at a.
  static Dual chain(const Dual& a, const T& value, const T& slope) {
    Dual result(value);
    for (std::size_t k = 0; k < N; ++k) result.d[k] = slope * a.d[k];
    return result;
  }
};

/// The dual numbers that gradients are checked with: eight directions in one forward pass.
inline constexpr int dual_directions = 8;
using DualDouble = Dual<double, dual_directions>;

/// The plain number inside a scalar, dual or not.
inline double plain(float x) { return static_cast<double>(x); }
inline double plain(double x) { return x; }
template <class T, int N>
double plain(const Dual<T, N>& x) {
  return plain(x.value);
}

}  // namespace qkv
