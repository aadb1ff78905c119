// Sums, means and maxima over one dimension, and reshaping: by hand, in every dimension, and at the edges.

#include <functional>
#include <gtest/gtest.h>
#include <limits>

#include "qkv/autograd/ops.h"
#include "tests/autograd/numbers.h"

namespace qkv {
namespace {

using Numbers = std::vector<double>;

class AxisOperations : public testing::Test {
 protected:
  Tape<double> tape_;
  Recording<double> recording_{tape_};
};

/// What one operation makes of x [2, 3, 2], whose numbers are 1 to 12, and the gradient that dy = 1, 10, 100, … gives.
struct Case {
  int dimension;
  Shape shape;
  Numbers sum, largest;
  Numbers sum_gradient, largest_gradient;
};

const std::vector<Case> cases{
    {0,
     {3, 2},
     {8, 10, 12, 14, 16, 18},
     {7, 8, 9, 10, 11, 12},
     {1, 10, 100, 1e3, 1e4, 1e5, 1, 10, 100, 1e3, 1e4, 1e5},
     {0, 0, 0, 0, 0, 0, 1, 10, 100, 1e3, 1e4, 1e5}},
    {1,
     {2, 2},
     {9, 12, 27, 30},
     {5, 6, 11, 12},
     {1, 10, 1, 10, 1, 10, 100, 1e3, 100, 1e3, 100, 1e3},
     {0, 0, 0, 0, 1, 10, 0, 0, 0, 0, 100, 1e3}},
    {2,
     {2, 3},
     {3, 7, 11, 15, 19, 23},
     {2, 4, 6, 8, 10, 12},
     {1, 1, 10, 10, 100, 100, 1e3, 1e3, 1e4, 1e4, 1e5, 1e5},
     {0, 1, 0, 10, 0, 100, 0, 1e3, 0, 1e4, 0, 1e5}},
};

TEST_F(AxisOperations, TakeAwayTheDimensionTheyGoOver) {
  Numbers cotangent;
  for (double c = 1; c < 1e6; c *= 10) cotangent.push_back(c);
  for (const Case& expected : cases)
    for (int dimension : {expected.dimension, expected.dimension - 3}) {  // from the front, from the end
      const auto compare = [&](const std::function<Var<double>(Var<double>, int)>& operation, Numbers value,
                               Numbers gradient, double factor) {
        const Var<double> x = tape_.variable({2, 3, 2}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
        const Var<double> y = operation(x, dimension);
        EXPECT_EQ(y.shape(), expected.shape) << dimension;
        tape_.backward(y, std::span<const double>(cotangent).first(value.size()));
        for (double& number : value) number *= factor;
        for (double& number : gradient) number *= factor;
        EXPECT_LE(largest_difference(values_of(y), value), 1e-15 * 30) << dimension;
        EXPECT_LE(largest_difference(gradient_of(x), gradient), 1e-15 * 1e5) << dimension;
        tape_.rewind();
      };
      const double share = 1.0 / std::vector<int>{2, 3, 2}[expected.dimension];
      compare([](auto x, int d) { return sum(x, d); }, expected.sum, expected.sum_gradient, 1);
      compare([](auto x, int d) { return mean(x, d); }, expected.sum, expected.sum_gradient, share);
      compare([](auto x, int d) { return max(x, d); }, expected.largest, expected.largest_gradient, 1);
    }
}

TEST_F(AxisOperations, OverTheOnlyDimensionGiveAScalar) {
  const Var<double> x = tape_.variable({4}, {3, -1, 7, 2});
  EXPECT_EQ(sum(x, 0).item(), 11);
  EXPECT_EQ(sum(x, 0).rank(), 0);
  EXPECT_EQ(mean(x, -1).item(), 2.75);
  EXPECT_EQ(max(x, 0).item(), 7);
}

TEST_F(AxisOperations, OverADimensionWithoutEntriesAreZeroOrRefused) {
  const Var<double> x = tape_.variable({2, 0}, {});
  EXPECT_EQ(values_of(sum(x, 1)), (Numbers{0, 0}));
  EXPECT_EQ(values_of(sum(x, 0)), Numbers{});
  EXPECT_EQ(max(x, 0).shape(), Shape{0});
  EXPECT_EQ(complaint([&] { max(x, 1); }), "max: dimension 1 of [2, 0] has no entries");
  EXPECT_EQ(complaint([&] { mean(x, -1); }), "mean: dimension -1 of [2, 0] has no entries");
  EXPECT_EQ(complaint([&] { max(x, 2); }), "shape: [2, 0] has no dimension 2");
  EXPECT_EQ(complaint([&] { sum(x, -3); }), "shape: [2, 0] has no dimension -3");
}

TEST_F(AxisOperations, TheGradientOfAMaximumGoesToTheFirstOfEquals) {
  const Var<double> x = tape_.variable({2, 3}, {4, 4, 1, -2, -1, -1});
  tape_.backward(sum(max(x, 1)));
  EXPECT_EQ(gradient_of(x), (Numbers{1, 0, 0, 0, 1, 0}));
}

TEST_F(AxisOperations, AMaximumOverNotANumberIsThat) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Var<double> x = tape_.variable({3, 3}, {nan, 5, 1, 5, nan, 7, 1, 2, 3});
  const Var<double> y = max(x, 1);
  EXPECT_TRUE(std::isnan(y.values()[0]));
  EXPECT_TRUE(std::isnan(y.values()[1]));
  EXPECT_EQ(y.values()[2], 3);
  tape_.backward(y, Numbers{1, 2, 3});
  EXPECT_EQ(gradient_of(x), (Numbers{1, 0, 0, 0, 2, 0, 0, 0, 3}));
}

TEST_F(AxisOperations, ReshapeCopiesRowByRow) {
  const Var<double> x = tape_.variable({2, 3}, {1, 2, 3, 4, 5, 6}), y = reshape(x, {3, 1, 2});
  EXPECT_EQ(y.shape(), Shape({3, 1, 2}));
  EXPECT_EQ(values_of(y), values_of(x));
  EXPECT_NE(y.data(), x.data());
  tape_.backward(y, Numbers{1, 2, 3, 4, 5, 6});
  EXPECT_EQ(gradient_of(x), (Numbers{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(reshape(tape_.constant({1}, {2}), Shape{}).item(), 2);
}

TEST_F(AxisOperations, ReshapeSaysWhichSizesWouldFit) {
  const Var<double> x = tape_.variable({2, 3}, {1, 2, 3, 4, 5, 6});
  EXPECT_EQ(complaint([&] { reshape(x, {3, 3}); }), "reshape: [2, 3] has 6 elements, [3, 3] has 9; [2, 3] or [3, 2]?");
  EXPECT_EQ(complaint([&] { reshape(x, {4, 3, 1}); }), "reshape: [2, 3] has 6 elements, [4, 3, 1] has 12; [2, 3, 1]?");
  EXPECT_EQ(complaint([&] { reshape(x, {4, 5}); }), "reshape: [2, 3] has 6 elements, [4, 5] has 20");
}

TEST_F(AxisOperations, MeanSquaredErrorIsTheMeanOverAllElements) {
  const Var<double> y = tape_.variable({2, 2}, {1, 2, 3, 4}), target = tape_.variable({2, 2}, {1, 0, 3.5, 5});
  const Var<double> loss = mean_squared_error(y, target);
  EXPECT_EQ(loss.item(), (0 + 4 + 0.25 + 1) / 4);
  tape_.backward(loss);
  EXPECT_EQ(gradient_of(y), (Numbers{0, 1, -0.25, -0.5}));  // 2 (y − target) / 4
  EXPECT_EQ(gradient_of(target), (Numbers{0, -1, 0.25, 0.5}));
  EXPECT_EQ(complaint([&] {
              mean_squared_error(reshape(y, {4, 1}), reshape(target, {4}));
            }),
            "mean_squared_error: [4, 1] and the target [4] differ; reshape one of them?");
  EXPECT_EQ(complaint([&] { mean_squared_error(y, slice(target, 0, 0, 1)); }),
            "mean_squared_error: [2, 2] and the target [1, 2] differ");
}

}  // namespace
}  // namespace qkv
