#include <fstream>
#include <gtest/gtest.h>

#include "qkv/autograd/ops.h"
#include "tests/autograd/numbers.h"

namespace qkv {
namespace {

using Numbers = std::vector<double>;

TEST(Scope, TakesBackWhatWasMadeInside) {
  Tape<double> tape;
  const Recording recording(tape);
  const Var<double> x = tape.variable({2}, Numbers{1, 2}), y = x * x;
  const std::size_t used = tape.arena().used();
  for (int repeat = 0; repeat < 3; ++repeat) {
    const Scope scope(tape);
    Var<double> z = y;
    for (int i = 0; i < 1000; ++i) z = z + y;
    EXPECT_EQ(z.values()[1], 4004);
    const Scope inner(tape);
    (void)(z * z);
  }
  EXPECT_EQ(tape.arena().used(), used);
  EXPECT_EQ(tape.last_node(), y.node());
  tape.backward(sum(y));
  EXPECT_EQ(gradient_of(x), (Numbers{2, 4}));
}

TEST(Scope, ABackwardInsideLeavesNoGradientsBehind) {
  Tape<double> tape;
  const Recording recording(tape);
  Numbers value{5, 5}, gradient{0, 0};
  const Var<double> x = tape.variable({2}, Numbers{1, 2});
  const Var<double> weight = tape.leaf("weight", {2}, value.data(), gradient.data());
  const Var<double> y = (x * weight).retain();
  for (double factor : {1.0, 10.0}) {
    const Scope scope(tape);
    tape.backward(sum(scale(y, factor)));  // each time for the first time
    EXPECT_EQ(gradient_of(x), (Numbers{5 * factor, 5 * factor}));
  }
  EXPECT_EQ(gradient, (Numbers{10, 20})) << "memory outside the tape keeps what was written";
  EXPECT_FALSE(x.reached());
  EXPECT_FALSE(y.reached());
  tape.scratch<double>(1000);  // what was taken back is used again; nothing may point there
  tape.backward(sum(y));
  EXPECT_EQ(gradient_of(x), (Numbers{5, 5}));
  EXPECT_EQ(gradient, (Numbers{1, 2}));
}

TEST(Scope, KeepsGradientsFromBefore) {
  Tape<double> tape;
  const Recording recording(tape);
  const Var<double> x = tape.variable({2}, Numbers{1, 2}), y = x * x, unreached = x + x, loss = sum(y);
  tape.backward(loss);
  {
    const Scope scope(tape);
    EXPECT_EQ(unreached.grad()(0, 0), 0);  // filled with zeros in memory of the scope
    (void)(y * y);
  }
  EXPECT_EQ(gradient_of(x), (Numbers{2, 4}));
  EXPECT_EQ(complaint([&] { tape.backward(loss); }),
            "backward has already run on this tape; for a new step, rewind() the tape before its forward pass; to run "
            "backward again over the same values, call clear_gradients()");
  EXPECT_EQ(gradient_of(unreached), (Numbers{0, 0}));
}

TEST(Scope, RefusesARewindInside) {
  Tape<double> tape;
  {
    const Scope scope(tape);
    EXPECT_EQ(complaint([&] { tape.rewind(); }), "rewind: a Scope of this tape is still open");
  }
  EXPECT_EQ(complaint([&] { tape.rewind(); }), "");
}

/// y = x + 1 − 1 + 1 …, `count` operations.
double chain(Tape<float>& tape, int count, Var<float> x) {
  const float one = 1, minus_one = -1;
  const Var<float> up = tape.constant({}, {&one, 1}), down = tape.constant({}, {&minus_one, 1});
  Var<float> y = x;
  for (int i = 0; i < count; ++i) y = y + (i % 2 == 0 ? up : down);
  tape.backward(y);
  return static_cast<double>(y.item());
}

TEST(Tape, AChainOfAMillionOperationsGoesForwardAndBackward) {
  Tape<float> tape;
  const Recording recording(tape);
  const float three = 3;
  const Var<float> x = tape.variable({}, {&three, 1});
  EXPECT_EQ(chain(tape, 1'000'000, x), 3);
  EXPECT_EQ(x.grad()(0, 0), 1);
  EXPECT_LE(tape.arena().used(), 1'000'000U * 320U + 10'000U) << "an operation on one number takes 320 bytes";
}

TEST(Tape, GradientsOfAChainUseTheSameMemoryAgain) {
  constexpr int width = 10'000, length = 200;
  Tape<float> tape;
  const Recording recording(tape);
  const Var<float> x = normal_variable<float>(tape, {width}, 1);
  Var<float> y = x;
  for (int i = 0; i < length; ++i) y = tanh(y);
  const Var<float> loss = sum(y);
  const std::size_t before = tape.arena().used();
  tape.backward(loss);
  const std::size_t gradients = tape.arena().used() - before;
  EXPECT_LE(gradients, 4U * width * sizeof(float)) << "x's own, and two that take turns";
  std::size_t second = 0;
  for (int repeat = 0; repeat < 4; ++repeat) {
    tape.clear_gradients();
    tape.backward(loss);
    if (repeat == 0) second = tape.arena().used();  // one more, since x keeps one of the two
    EXPECT_EQ(tape.arena().used(), second);
  }
  EXPECT_LE(second - before, 6U * width * sizeof(float));
}

TEST(Tape, EqualStepsNeedNoNewMemory) {
  Tape<float> tape;
  const Recording recording(tape);
  std::size_t capacity = 0;
  std::vector<float> first;
  for (int step = 0; step < 5; ++step) {
    tape.rewind();
    const Var<float> x = normal_variable<float>(tape, {16, 8, 32}, 1);
    const Var<float> y = attention(x, x, x, Mask::causal(), 4).output;
    tape.backward(sum(y * y));
    if (step == 0) first = gradient_of(x);
    EXPECT_EQ(gradient_of(x), first) << "the same bits";
    if (step == 2) capacity = tape.arena().capacity();
    if (step > 2) {
      EXPECT_EQ(tape.arena().capacity(), capacity);
    }
  }
}

}  // namespace
}  // namespace qkv
