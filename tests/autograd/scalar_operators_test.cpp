// Formulas with plain numbers in them, as a person writes them, for every scalar.

#include <gtest/gtest.h>

#include "qkv/autograd/ops.h"
#include "tests/autograd/numbers.h"

namespace qkv {
namespace {

template <class T>
class ScalarOperators : public testing::Test {};
using Scalars = testing::Types<float, double, DualDouble>;
TYPED_TEST_SUITE(ScalarOperators, Scalars);

TYPED_TEST(ScalarOperators, TakeIntegersAndFloatsOnBothSides) {
  using T = TypeParam;
  Tape<T> tape;
  const Recording recording(tape);
  const Var<T> x = tape.variable({2}, {1.0, 2.0}), y = tape.constant({2}, {4.0, 8.0});
  const auto expect = [](Var<T> got, double first, double second) {
    EXPECT_EQ(plain(got.values()[0]), first);
    EXPECT_EQ(plain(got.values()[1]), second);
  };
  expect(2.0 * x, 2, 4);
  expect(x * 2, 2, 4);
  expect(x * 0.5f, 0.5, 1);
  expect(x / 2.0, 0.5, 1);
  expect(1 - x, 0, -1);
  expect(x + 1, 2, 3);
  expect(1.0 + x, 2, 3);
  expect(x - 1, 0, 1);
  expect(-x, -1, -2);
  expect(y / x, 4, 4);
  expect(x + y - x * y, 1, -6);
  const Var<T> z = 3.0 * x * x - (1 - x) / 4.0;  // dz/dx = 6 x + 1/4
  tape.backward(sum(z));
  EXPECT_EQ(plain(x.grad().data[0]), 6.25);
  EXPECT_EQ(plain(x.grad().data[1]), 12.25);
}

TYPED_TEST(ScalarOperators, ExponentialAndLogarithmUndoEachOther) {
  using T = TypeParam;
  Tape<T> tape;
  const Recording recording(tape);
  const Var<T> x = tape.variable({3}, {0.5, 1.0, 2.0}), y = exp(log(x));
  const double tolerance = std::is_same_v<T, float> ? 3e-7 : 1e-15;
  for (int i = 0; i < 3; ++i) EXPECT_NEAR(plain(y.values()[i]), plain(x.values()[i]), tolerance);
  tape.backward(sum(y));
  for (int i = 0; i < 3; ++i) EXPECT_NEAR(plain(x.grad().data[i]), 1, 2 * tolerance);
}

TEST(ScalarOperations, ValuesInBracesMustFitTheShape) {
  Tape<float> tape;
  const Recording recording(tape);
  EXPECT_EQ(values_of(tape.variable({2, 1}, {1, 2})), (std::vector<float>{1, 2}));
  EXPECT_EQ(complaint([&] { tape.constant({2}, {1, 2, 3}, "y"); }), "y: shape [2] does not fit 3 numbers");
}

TEST(ScalarOperations, AreNamedInShapesThatDiffer) {
  Tape<float> tape;
  const Recording recording(tape);
  const Var<float> x = tape.variable({2}, {1, 2}), y = tape.variable({3}, {1, 2, 3});
  EXPECT_EQ(complaint([&] { x / y; }), "divide: [2] and [3] differ");
}

}  // namespace
}  // namespace qkv
