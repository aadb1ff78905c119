#include "qkv/autograd/dual.h"

#include <functional>
#include <gtest/gtest.h>

#include "qkv/autograd/ops.h"
#include "tests/autograd/numbers.h"

namespace qkv {
namespace {

using Two = Dual<double, 2>;

Two seeded(double value, double first, double second) {
  Two x(value);
  x.d = {first, second};
  return x;
}

void expect_near(const Two& x, double value, double first, double second) {
  EXPECT_NEAR(x.value, value, 1e-15 * std::max(1.0, std::abs(value)));
  EXPECT_NEAR(x.d[0], first, 1e-14 * std::max(1.0, std::abs(first)));
  EXPECT_NEAR(x.d[1], second, 1e-14 * std::max(1.0, std::abs(second)));
}

TEST(Dual, FollowsTheRulesOfDifferentiation) {
  const Two x = seeded(3, 1, 0), y = seeded(-2, 0, 1);
  expect_near(x + y, 1, 1, 1);
  expect_near(x - y, 5, 1, -1);
  expect_near(x * y, -6, -2, 3);
  expect_near(x / y, -1.5, -0.5, -0.75);
  expect_near(-x, -3, -1, 0);
  expect_near(2.0 * x + 1.0, 7, 2, 0);
  expect_near(1.0 / x, 1.0 / 3, -1.0 / 9, 0);
  Two z = x;
  z *= z;
  expect_near(z, 9, 6, 0);
  z = x;
  const Two& same = z;
  z /= same;
  expect_near(z, 1, 0, 0);
}

TEST(Dual, KnowsTheSlopesOfFunctions) {
  const double a = 0.7, h = 1e-6;
  const Two x = seeded(a, 1, -3);
  struct Case {
    Two got;
    std::function<double(double)> function;
  };
  const Case cases[] = {
      {exp(x), [](double t) { return std::exp(t); }},     {log(x), [](double t) { return std::log(t); }},
      {log1p(x), [](double t) { return std::log1p(t); }}, {sqrt(x), [](double t) { return std::sqrt(t); }},
      {tanh(x), [](double t) { return std::tanh(t); }},   {erf(x), [](double t) { return std::erf(t); }},
      {sin(x), [](double t) { return std::sin(t); }},     {cos(x), [](double t) { return std::cos(t); }},
      {abs(-x), [](double t) { return std::abs(-t); }},   {pow(x, 2.5), [](double t) { return std::pow(t, 2.5); }}};
  for (const auto& [got, function] : cases) {
    const double slope = (function(a + h) - function(a - h)) / (2 * h);
    EXPECT_DOUBLE_EQ(got.value, function(a));
    EXPECT_NEAR(got.d[0], slope, 1e-9);
    EXPECT_NEAR(got.d[1], -3 * slope, 3e-9);
  }
}

TEST(Dual, ComparesByValue) {
  EXPECT_TRUE(seeded(1, 5, 5) < seeded(2, 0, 0));
  EXPECT_TRUE(seeded(1, 5, 5) == seeded(1, 0, 0));
  EXPECT_TRUE(isfinite(seeded(1, 5, 5)));
  EXPECT_FALSE(isfinite(seeded(1, 5, INFINITY)));
}

/// A small function with everything that has curvature: its Hessian times u, and its gradient.
template <class T>
struct Curved {
  std::vector<T> gradient;
  explicit Curved(const std::vector<T>& values) {
    Tape<T> tape;
    const Recording<T> recording(tape);
    const Var<T> x = tape.variable({1, 3, 4}, values);
    const Var<T> y = multiply(attention(x, tanh(x), sigmoid(x), Mask::causal(), 2).output, gelu(x));
    tape.backward(sum(multiply(y, y)));
    gradient = gradient_of(x);
  }
};

TEST(Dual, GivesHessianVectorProductsThroughForwardAndBackward) {
  const std::vector<double> x = normal_numbers<double>(12, 1), u = normal_numbers<double>(12, 2);
  std::vector<DualDouble> moved(x.begin(), x.end());
  for (std::size_t i = 0; i < x.size(); ++i) moved[i].d[3] = u[i];
  const Curved<DualDouble> dual(moved);
  const double h = 1e-6;
  std::vector<double> after = x, before = x;
  for (std::size_t i = 0; i < x.size(); ++i) {
    after[i] += h * u[i];
    before[i] -= h * u[i];
  }
  const Curved<double> there(x), further(after), back(before);
  for (std::size_t i = 0; i < x.size(); ++i) {
    EXPECT_NEAR(dual.gradient[i].value, there.gradient[i], 1e-13);
    EXPECT_NEAR(dual.gradient[i].d[3], (further.gradient[i] - back.gradient[i]) / (2 * h), 1e-8);
    EXPECT_EQ(dual.gradient[i].d[0], 0);
  }
}

}  // namespace
}  // namespace qkv
