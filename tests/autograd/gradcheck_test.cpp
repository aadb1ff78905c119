#include "qkv/autograd/gradcheck/gradcheck.h"

#include <gtest/gtest.h>

#include "qkv/autograd/ops.h"
#include "tests/autograd/numbers.h"

namespace qkv {
namespace {

/// y = x², whose backward writes slope(x, dy).
template <class T, class Slope>
Var<T> square(Var<T> x, Slope slope) {
  Var<T> y = Tape<T>::make("square", x.shape(), {x});
  write_each(open_value(y), [a = x.data()](auto i) { return a[i] * a[i]; });
  on_backward(y, [=] {
    const T *dy = y.grad().data, *a = x.data();
    if (auto dx = x.sink()) write_each(dx.open(), [=](auto i) { return slope(i, a[i], dy[i]); });
  });
  return y;
}

TEST(Gradcheck, PassesARightBackwardAndCountsWhatItCompared) {
  const GradcheckResult result =
      gradcheck([](auto x) { return linear(x[0], x[1], x[2]); }, {{"x", {2, 3, 4}}, {"w", {5, 4}}, {"b", {5}}});
  EXPECT_TRUE(result.passed);
  EXPECT_LE(result.error, 1e-15);
  EXPECT_EQ(result.inputs, 24 + 20 + 5);
  EXPECT_EQ(result.jacobian_entries, 49 * 30);
  EXPECT_EQ(result.message().substr(0, 9), "exact to ");
}

TEST(Gradcheck, NamesInputIndexGotAndExpected) {
  const GradcheckResult result = gradcheck(
      [](auto x) {
        return square(x[0], [](auto i, auto a, auto dy) {
          using T = decltype(a);
          return i == 4 ? T(3) * a * dy : T(2) * a * dy;
        });
      },
      {{"x", {2, 3}, {1, 2, 3, 4, 5, 6}}});
  EXPECT_FALSE(result.passed);
  EXPECT_EQ(result.message(), "gradient of x[1, 1]: got 15, expected 10 (only this entry is wrong)");
  ASSERT_EQ(result.mismatches.size(), 1U);
  EXPECT_EQ(result.mismatches[0].index, (std::vector<int>{1, 1}));
  EXPECT_NEAR(result.error, 5.0 / 15, 1e-12);
}

TEST(Gradcheck, NeverTakesNanOrInfinityForAgreement) {
  for (double wrong : {std::nan(""), double{INFINITY}, -double{INFINITY}})
    for (std::int64_t limit : {std::int64_t{0}, std::int64_t{1000}}) {  // directions only, and the whole Jacobian
      const GradcheckResult result = gradcheck(
          [wrong](auto x) {
            return square(x[0], [wrong](auto i, auto a, auto dy) {
              using T = decltype(a);
              return i == 1 ? T(wrong) * dy : T(2) * a * dy;
            });
          },
          {{"x", {3}, {1, 2, 3}}, {"unused", {2}}}, {.largest_jacobian = limit});
      EXPECT_FALSE(result.passed) << wrong;
      EXPECT_EQ(result.error, INFINITY);
      ASSERT_EQ(result.mismatches.size(), 1U) << wrong;
      EXPECT_EQ(result.mismatches[0].input, "x");
      EXPECT_EQ(result.mismatches[0].index, std::vector<int>{1});
    }
}

TEST(Gradcheck, RefusesAFunctionThatIsNotFinite) {
  EXPECT_EQ(complaint([] {
              gradcheck([](auto x) { return scale(x[0], INFINITY); }, {{"x", {2}, {1, 2}}});
            }),
            "gradcheck: the function returns inf; nothing can be compared");
  EXPECT_EQ(complaint([] {
              gradcheck([](auto x) { return tanh(x[0]); }, {{"x", {2}, {1, 2, 3}}});
            }),
            "gradcheck: 3 numbers do not fit input x of shape [2]");
  EXPECT_EQ(complaint([] {
              gradcheck([](auto x) { return add(x[0], x[1]); }, {{"x", {2}}, {"y", {3}}});
            }),
            "add: [2] and [3] differ");
}

TEST(Gradcheck, ChecksLargeFunctionsByRandomDirectionsAndStillNamesThePlace) {
  const std::vector<CheckInput> inputs{{"x", {40, 50}}};
  const auto with_slope = [&](double factor) {
    return gradcheck(
        [factor](auto x) {
          return square(x[0], [factor](auto i, auto a, auto dy) {
            using T = decltype(a);
            return T(i == 1234 ? 2 * factor : 2.0) * a * dy;
          });
        },
        inputs);
  };
  const GradcheckResult right = with_slope(1), wrong = with_slope(1.001);
  EXPECT_TRUE(right.passed);
  EXPECT_EQ(right.jacobian_entries, 0);
  EXPECT_FALSE(wrong.passed);
  ASSERT_EQ(wrong.mismatches.size(), 1U);
  EXPECT_EQ(wrong.mismatches[0].index, (std::vector<int>{24, 34}));
}

TEST(Gradcheck, TakesSeveralOutputsAndOutputsThatAreInputsOrConstants) {
  const GradcheckResult result = gradcheck(
      [](auto x) {
        using V = typename std::remove_cvref_t<decltype(x[0])>;
        using T = typename V::Scalar;
        const std::vector<T> ones(3, T(1));
        return std::vector<V>{x[0], tanh(x[0]), Tape<T>::current().constant({3}, ones), x[0]};
      },
      {{"x", {3}}, {"unused", {2}}});
  EXPECT_TRUE(result.passed) << result.message();
  EXPECT_EQ(result.jacobian_entries, 5 * 12);
}

TEST(Gradcheck, DrawsTheSameNumbersForTheSameSeed) {
  const auto a = with_values({{"x", {2, 2}}, {"y", {3}}}, 7), b = with_values({{"x", {2, 2}}, {"y", {3}}}, 7),
             c = with_values({{"x", {2, 2}}, {"y", {3}}}, 8);
  EXPECT_EQ(a[0].values, b[0].values);
  EXPECT_EQ(a[1].values, b[1].values);
  EXPECT_NE(a[0].values, c[0].values);
  EXPECT_NE(a[0].values[0], a[1].values[0]);
}

}  // namespace
}  // namespace qkv
