#include "qkv/autograd/gradcheck/differences.h"

#include <gtest/gtest.h>

#include "qkv/autograd/ops.h"
#include "tests/autograd/numbers.h"

namespace qkv {
namespace {

using Vars = std::span<const Var<double>>;

/// y = sin(x), for double only, as people write it. Its slope is taken to be cos(x) · factor.
Var<double> sine(Var<double> x, double factor = 1) {
  Var<double> y = Tape<double>::make("sine", x.shape(), {x});
  write_each(open_value(y), [a = x.data()](auto i) { return std::sin(a[i]); });
  on_backward(y, [=] {
    const double *dy = y.grad().data, *a = x.data();
    if (auto dx = x.sink()) write_each(dx.open(), [=](auto i) { return factor * std::cos(a[i]) * dy[i]; });
  });
  return y;
}

TEST(Differences, PassASmoothFunctionAndShowTruncationAndRoundOff) {
  const GradcheckResult result = difference_check([](Vars x) { return sine(x[0]); }, {{"x", {3, 4}}});
  EXPECT_TRUE(result.passed) << result.message();
  EXPECT_LE(result.error, 1e-9);
  EXPECT_EQ(result.message().substr(0, 10), "agrees to ");
  EXPECT_TRUE(result.notes.empty());
  ASSERT_EQ(result.sweep.size(), 10U);
  EXPECT_DOUBLE_EQ(result.sweep[0].step, 0.1);
  EXPECT_NEAR(result.sweep[0].error / result.sweep[1].error, 100, 2) << "truncation falls as h²";
  EXPECT_NEAR(result.sweep[1].error / result.sweep[2].error, 100, 2);
  EXPECT_GT(result.sweep[9].error, 1e2 * result.sweep[5].error) << "round-off grows as 1/h";
}

TEST(Differences, AgreeWithTheExactCheckOnEveryKindOfOperation) {
  const auto function = [](Vars x) {
    const auto y = layer_norm(attention(x[0], x[0], x[1], Mask::causal(), 2).output, x[2], x[3]);
    return std::vector<Var<double>>{softmax(y), gelu(y)};
  };
  const GradcheckResult result =
      difference_check(function, {{"x", {2, 3, 4}}, {"v", {2, 3, 4}}, {"weight", {4}}, {"bias", {4}}});
  EXPECT_TRUE(result.passed) << result.message();
  EXPECT_EQ(result.inputs, 24 + 24 + 4 + 4);
}

TEST(Differences, NameInputAndIndexOfAWrongGradient) {
  const auto function = [](Vars x) { return multiply(sine(x[0]), sine(x[1], 1.00001)); };
  const GradcheckResult result = difference_check(function, {{"x", {2}, {0.3, 0.5}}, {"angle", {2}, {0.1, 0.2}}});
  EXPECT_FALSE(result.passed);
  ASSERT_EQ(result.mismatches.size(), 1U);
  EXPECT_EQ(result.mismatches[0].input, "angle");
  EXPECT_EQ(result.message().substr(0, 18), "gradient of angle[");
  EXPECT_NEAR(result.mismatches[0].got / result.mismatches[0].expected, 1.00001, 1e-7);
}

TEST(Differences, ReportAKinkWithoutFailing) {
  const auto function = [](Vars x) { return relu(x[0]); };
  const GradcheckResult result = difference_check(function, {{"x", {3}, {-1, 0, 2}}});
  EXPECT_TRUE(result.passed) << result.message();
  ASSERT_EQ(result.notes.size(), 1U);
  EXPECT_EQ(result.notes[0].substr(0, 11), "kink at x[1");
  EXPECT_NE(result.notes[0].find("the backward pass says 0"), std::string::npos) << result.notes[0];
}

TEST(Differences, SeeAKinkAmongSmoothOutputs) {
  const auto function = [](Vars x) { return std::vector<Var<double>>{sine(x[0]), relu(x[0]), scale(x[0], 3)}; };
  const GradcheckResult result = difference_check(function, {{"x", {2}, {0, 1}}});
  EXPECT_TRUE(result.passed) << result.message();
  EXPECT_EQ(result.notes.size(), 1U);
}

TEST(Differences, AKinkIsNoExcuseForASlopeOutsideIt) {
  const auto absolute = [](double wrong) {
    return [wrong](Vars x) {
      Var<double> y = Tape<double>::make("absolute", x[0].shape(), {x[0]});
      write_each(open_value(y), [a = x[0].data()](auto i) { return std::abs(a[i]); });
      on_backward(y, [=, input = x[0]] {
        const double *dy = y.grad().data, *a = input.data();
        if (auto dx = input.sink())
          write_each(dx.open(), [=](auto i) { return dy[i] * (a[i] == 0 ? wrong : a[i] < 0 ? -1 : 1); });
      });
      return y;
    };
  };
  for (double inside : {-1.0, 0.0, 0.7, 1.0})
    EXPECT_TRUE(difference_check(absolute(inside), {{"x", {2}, {0, 1}}}).passed) << inside;
  for (double outside : {-1.5, 1.1}) {
    const GradcheckResult result = difference_check(absolute(outside), {{"x", {2}, {0, 1}}});
    EXPECT_FALSE(result.passed) << outside;
    ASSERT_EQ(result.mismatches.size(), 1U);
    EXPECT_EQ(result.mismatches[0].index, std::vector<int>{0});
    EXPECT_EQ(result.notes.size(), 1U);
  }
}

TEST(Differences, SeePastAKinkNearby) {
  const auto function = [](Vars x) { return relu(x[0]); };
  const GradcheckResult result = difference_check(function, {{"x", {2}, {1e-3, -1e-3}}});
  EXPECT_TRUE(result.passed) << result.message();
  EXPECT_TRUE(result.notes.empty());
}

TEST(Differences, NeverTakeNanForAgreement) {
  const auto function = [](Vars x) { return sine(x[0], std::nan("")); };
  const GradcheckResult result = difference_check(function, {{"x", {2}}});
  EXPECT_FALSE(result.passed);
  EXPECT_EQ(result.mismatches.size(), 1U);
}

}  // namespace
}  // namespace qkv
