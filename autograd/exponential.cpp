#include "autograd/exponential.h"

#include <Eigen/Core>

namespace qkv {

namespace {

template <class T>
T exp_shifted_vectorised(const T* x, T shift, T* y, int n) {
  using Row = Eigen::Array<T, Eigen::Dynamic, 1>;
  Eigen::Map<Row>(y, n) = (Eigen::Map<const Row>(x, n) - shift).exp();
  return sum_of<T>(n, [=](int i) { return y[i]; });
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
