// The vectorised functions against those of <cmath>, in double: whole registers, tails, and numbers at the edges.

#include "qkv/autograd/exponential.h"

#include <gtest/gtest.h>
#include <limits>

#include "tests/autograd/numbers.h"

namespace qkv {
namespace {

constexpr int longest = 70;  // four registers of sixteen floats, and a tail

template <class T>
constexpr double tolerance = std::is_same_v<T, float> ? 5e-7 : 5e-15;

/// `size` numbers that differ from place to place: small and large ones of both signs, and both zeros.
template <class T>
std::vector<T> numbers_with_edges(int size) {
  std::vector<T> x = normal_numbers<T>(size, static_cast<std::uint64_t>(size));
  const T edges[] = {T(-100), T(100), T(0), -T(0), T(-20), T(20), T(-5), T(5), T(-1e-4), T(1e-4), T(-88), T(88)};
  for (std::size_t i = 0; i < x.size(); i += 2) x[i] = edges[(i / 2 + x.size()) % std::size(edges)];
  return x;
}

/// Where the numbers are written must not matter: one before and one behind stay what they are.
template <class T>
struct Row {
  explicit Row(const std::vector<T>& x) : all(x.size() + 2, T(7)) { std::copy(x.begin(), x.end(), data()); }
  T* data() { return all.data() + 1; }
  std::vector<T> values() const { return {all.begin() + 1, all.end() - 1}; }
  bool is_untouched_around() const { return all.front() == T(7) && all.back() == T(7); }
  std::vector<T> all;
};

template <class T>
class Exponential : public testing::Test {};
using Scalars = testing::Types<float, double>;
TYPED_TEST_SUITE(Exponential, Scalars);

TYPED_TEST(Exponential, OfDifferencesIsExpAndReturnsTheSum) {
  for (int n = 0; n <= longest; ++n) {
    const std::vector<TypeParam> x = numbers_with_edges<TypeParam>(n);
    for (const TypeParam shift : {TypeParam(100), TypeParam(100.5), TypeParam(120)}) {  // the largest, or above
      Row<TypeParam> row(x);
      const double sum = static_cast<double>(exp_shifted(x.data(), shift, row.data(), n));
      EXPECT_TRUE(row.is_untouched_around()) << n;
      double expected_sum = 0;
      for (int i = 0; i < n; ++i) {
        const auto expected = std::exp(static_cast<double>(x[std::size_t(i)]) - static_cast<double>(shift));
        expected_sum += expected;
        const auto smallest = static_cast<double>(std::numeric_limits<TypeParam>::min());
        EXPECT_NEAR(static_cast<double>(row.data()[i]), expected, tolerance<TypeParam> * expected + 2 * smallest)
            << x[std::size_t(i)] << " − " << shift << " at " << i << " of " << n;
      }
      EXPECT_NEAR(sum, expected_sum, tolerance<TypeParam> * expected_sum + 100 * std::numeric_limits<float>::min());
    }
  }
}

/// Numbers of like size, of which each counts in the sum: none may be left out or added twice. In place gives the same
/// bits.
TYPED_TEST(Exponential, EveryNumberCountsOnceInTheSum) {
  for (int n = 1; n <= longest; ++n) {
    std::vector<TypeParam> x = normal_numbers<TypeParam>(n, 6);
    for (TypeParam& number : x) number = std::tanh(number);
    std::vector<TypeParam> y(x.size());
    const TypeParam sum = exp_shifted(x.data(), TypeParam(1), y.data(), n);
    double expected = 0;
    for (const TypeParam number : x) expected += std::exp(static_cast<double>(number) - 1);
    EXPECT_NEAR(static_cast<double>(sum), expected, tolerance<TypeParam> * expected) << n;
    EXPECT_EQ(exp_shifted(x.data(), TypeParam(1), x.data(), n), sum) << n;
    EXPECT_EQ(x, y) << n;
  }
}

TYPED_TEST(Exponential, LargestIsFoundInEveryPlace) {
  for (const TypeParam others : {TypeParam(-100), -std::numeric_limits<TypeParam>::infinity()})
    for (int n = 1; n <= longest; ++n)
      for (int place = 0; place < n; ++place) {
        std::vector<TypeParam> x = normal_numbers<TypeParam>(n, 5);
        for (TypeParam& number : x) number += others;
        x[std::size_t(place)] = TypeParam(-90);
        EXPECT_EQ(largest_of(x.data(), n), TypeParam(-90)) << place << " of " << n;
      }
}

/// f(x) for every size, compared with `expected` in double.
template <class T, class InPlace, class Expected>
void expect_everywhere(InPlace in_place, Expected expected) {
  for (int n = 0; n <= longest; ++n) {
    const std::vector<T> x = numbers_with_edges<T>(n);
    Row<T> row(x);
    in_place(row.data(), n);
    EXPECT_TRUE(row.is_untouched_around()) << n;
    for (int i = 0; i < n; ++i) {
      const double y = expected(static_cast<double>(x[std::size_t(i)]));
      const auto smallest = static_cast<double>(std::numeric_limits<T>::min());
      EXPECT_NEAR(static_cast<double>(row.data()[i]), y, tolerance<T> * std::abs(y) + 2 * smallest)
          << x[std::size_t(i)] << " at " << i << " of " << n;
    }
  }
}

TYPED_TEST(Exponential, SigmoidIsItsDefinition) {
  expect_everywhere<TypeParam>([](TypeParam* x, int n) { sigmoid_in_place(x, n); },
                               [](double x) { return 1 / (1 + std::exp(-x)); });
}

TYPED_TEST(Exponential, TanhIsThatOfTheStandardLibrary) {
  expect_everywhere<TypeParam>([](TypeParam* x, int n) { tanh_in_place(x, n); }, [](double x) { return std::tanh(x); });
}

/// Not-a-number in one place, for every place and several sizes, is NaN there afterwards, and nowhere else.
template <class T, class InPlace>
void expect_nan_stays(InPlace in_place) {
  for (const int n : {1, 3, 16, 17, 31, 37, longest})
    for (int place = 0; place < n; ++place) {
      std::vector<T> x = normal_numbers<T>(n, 3);
      x[std::size_t(place)] = std::numeric_limits<T>::quiet_NaN();
      in_place(x.data(), n);
      for (int i = 0; i < n; ++i) EXPECT_EQ(std::isnan(x[std::size_t(i)]), i == place) << i << " of " << n;
    }
}

TYPED_TEST(Exponential, NotANumberStaysThat) {
  expect_nan_stays<TypeParam>(
      [](TypeParam* x, int n) { EXPECT_TRUE(std::isnan(exp_shifted(x, TypeParam(1), x, n))) << "the sum of " << n; });
  expect_nan_stays<TypeParam>([](TypeParam* x, int n) { sigmoid_in_place(x, n); });
  expect_nan_stays<TypeParam>([](TypeParam* x, int n) { tanh_in_place(x, n); });
}

TYPED_TEST(Exponential, SoftmaxWithNotANumberIsNotANumber) {
  for (int n = 1; n <= longest; ++n)
    for (int place = 0; place < n; ++place) {
      std::vector<TypeParam> x = normal_numbers<TypeParam>(n, 3);
      x[std::size_t(place)] = std::numeric_limits<TypeParam>::quiet_NaN();
      softmax_in_place(x.data(), n, n);
      for (const TypeParam weight : x) EXPECT_TRUE(std::isnan(weight)) << place << " of " << n;
    }
}

TYPED_TEST(Exponential, InfinityGivesTheLimits) {
  constexpr TypeParam infinity = std::numeric_limits<TypeParam>::infinity();
  for (int n = 1; n <= longest; ++n) {
    const auto all = [n](TypeParam x) { return std::vector<TypeParam>(std::size_t(n), x); };
    for (const TypeParam far : {TypeParam(-2000), TypeParam(-1e9), -infinity}) {
      std::vector<TypeParam> x = all(far);
      EXPECT_EQ(exp_shifted(x.data(), TypeParam(0), x.data(), n), 0) << far << ", " << n;
      EXPECT_EQ(x, all(0)) << far << ", " << n;
    }
    std::vector<TypeParam> x;
    for (const int sign : {-1, 1}) {
      x = all(TypeParam(sign) * infinity);
      sigmoid_in_place(x.data(), n);
      EXPECT_LE(largest_difference(x, all(sign < 0 ? 0 : 1)), 1e-37) << n;
      x = all(TypeParam(sign) * infinity);
      tanh_in_place(x.data(), n);
      EXPECT_LE(largest_difference(x, all(TypeParam(sign))), 1e-7) << n;
    }
  }
}

}  // namespace
}  // namespace qkv
