#include "qkv/autograd/tape.h"

#include <gtest/gtest.h>
#include <limits>

#include "qkv/autograd/ops.h"
#include "tests/autograd/numbers.h"

namespace qkv {
namespace {

using Numbers = std::vector<double>;

/// y = x, with a backward that counts how often it runs.
Var<double> counted(Var<double> x, int* runs) {
  Var<double> y = Tape<double>::make("counted", x.shape(), {x});
  write_each(open_value(y), [a = x.data()](auto i) { return a[i]; });
  on_backward(y, [=] {
    ++*runs;
    const double* dy = y.grad().data;
    if (auto dx = x.sink()) write_each(dx.open(), [=](auto i) { return dy[i]; });
  });
  return y;
}

/// Two outputs, x and 2 x. Remembers the gradients that came in.
struct Pair {
  Var<double> once, twice;
};
Pair split(Var<double> x, double* seen) {
  const Pair y{Tape<double>::make("once", x.shape(), {x}), Tape<double>::make("twice", x.shape(), {x})};
  write_each(open_value(y.once), [a = x.data()](auto i) { return a[i]; });
  write_each(open_value(y.twice), [a = x.data()](auto i) { return 2 * a[i]; });
  on_backward({y.once, y.twice}, [=] {
    const double *d1 = y.once.grad().data, *d2 = y.twice.grad().data;
    seen[0] = d1[0];
    seen[1] = d2[0];
    if (auto dx = x.sink()) write_each(dx.open(), [=](auto i) { return d1[i] + 2 * d2[i]; });
  });
  return y;
}

TEST(Tape, NeedsToBeRecording) {
  EXPECT_EQ(complaint([] { Tape<double>::current(); }),
            "no tape is recording: write `Tape<T> tape; Recording recording(tape);` first");
}

TEST(Tape, TheFirstGradientIsAssignedAndTheNextOnesAreAdded) {
  Tape<double> tape;
  const Recording recording(tape);
  const Var<double> x = tape.variable({3}, Numbers{1, 2, 3});
  const Var<double> y = x + x;           // 2
  const Var<double> z = x * x;           // 2 x: both sides of one operation
  const Var<double> w = scale(x, -1.0);  // a third use
  tape.backward(sum((y + z) + w));
  EXPECT_EQ(gradient_of(x), (Numbers{3, 5, 7}));
}

TEST(Tape, FirstWritesIgnoreWhatIsInMemory) {
  Numbers values{2, 3}, gradient{std::nan(""), std::nan("")};
  Tape<double> tape;
  const Recording recording(tape);
  const Var<double> x = tape.leaf("weight", {2}, values.data(), gradient.data());
  tape.backward(sum(x * x));
  EXPECT_EQ(gradient, (Numbers{4, 6}));
  EXPECT_EQ(x.data(), values.data()) << "a leaf is not copied";
}

TEST(Tape, FansOutAndInAgain) {
  Tape<double> tape;
  const Recording recording(tape);
  const Var<double> x = tape.variable({}, Numbers{1.5});
  Var<double> y = x;
  for (int i = 0; i < 20; ++i) y = y + y;  // 2²⁰ paths, 20 closures
  tape.backward(y);
  EXPECT_EQ(y.item(), 1.5 * (1 << 20));
  EXPECT_EQ(gradient_of(x), Numbers{1 << 20});
}

TEST(Tape, FillsTheGradientOfUnreachedInputsWithZeros) {
  Numbers value{1, 2}, gradient{7, 7};
  Tape<double> tape;
  const Recording recording(tape);
  const Var<double> x = tape.variable({2}, Numbers{1, 2}), unused = tape.variable({2}, Numbers{3, 4});
  const Var<double> weight = tape.leaf("weight", {2}, value.data(), gradient.data());
  (void)(unused * weight);  // computed, but the loss does not depend on it
  tape.backward(sum(x));
  EXPECT_EQ(gradient_of(unused), (Numbers{0, 0}));
  EXPECT_EQ(gradient, (Numbers{0, 0}));
}

TEST(Tape, RunsOnlyTheClosuresThatTheLossReaches) {
  Tape<double> tape;
  const Recording recording(tape);
  int reached = 0, unreached = 0;
  const Var<double> x = tape.variable({2}, Numbers{1, 2});
  const Var<double> y = counted(x, &reached);
  const Var<double> other = counted(x, &unreached);
  tape.backward(sum(y));
  EXPECT_EQ(reached, 1);
  EXPECT_EQ(unreached, 0);
  EXPECT_FALSE(other.reached());
  EXPECT_EQ(other.grad()(0, 0), 0) << "unreached gradients read as zero";
}

TEST(Tape, OutputsThatAreNotReachedReadAsZero) {
  Tape<double> tape;
  const Recording recording(tape);
  double seen[2] = {-1, -1};
  const Var<double> x = tape.variable({1}, Numbers{5});
  tape.backward(sum(split(x, seen).twice));
  EXPECT_EQ(seen[0], 0);
  EXPECT_EQ(seen[1], 1);
  EXPECT_EQ(gradient_of(x), Numbers{2});
  tape.rewind();
  const Var<double> again = tape.variable({1}, Numbers{5});
  (void)split(again, seen);
  seen[0] = -1;
  tape.backward(sum(scale(again, 3)));
  EXPECT_EQ(seen[0], -1) << "none reached: the closure does not run";
}

TEST(Tape, BackwardRunsOnceUntilGradientsAreCleared) {
  Tape<double> tape;
  const Recording recording(tape);
  const Var<double> x = tape.variable({2}, Numbers{1, 2});
  const Var<double> y = x * x, loss = sum(y);
  tape.backward(loss);
  EXPECT_EQ(complaint([&] { tape.backward(loss); }),
            "backward has already run on this tape; for a new step, rewind() the tape before its forward pass; to run "
            "backward again over the same values, call clear_gradients()");
  tape.clear_gradients();
  tape.backward(loss);
  EXPECT_EQ(gradient_of(x), (Numbers{2, 4}));
  tape.clear_gradients();
  tape.backward(y, Numbers{1, -1});
  EXPECT_EQ(gradient_of(x), (Numbers{2, -4}));
}

TEST(Tape, BackwardSaysWhatItCannotDo) {
  Tape<double> tape, other;
  const Recording recording(tape);
  const Var<double> x = tape.variable({2}, Numbers{1, 2}), y = x + x;
  EXPECT_EQ(complaint([&] { tape.backward(y); }),
            "backward: add of shape [2] is not a scalar; give the gradient that flows into it as a seed");
  EXPECT_EQ(complaint([&] { tape.backward(y, Numbers{1}); }),
            "backward: a seed of 1 numbers does not fit add of shape [2]");
  EXPECT_EQ(complaint([&] { other.backward(sum(y)); }), "backward: sum was recorded on another tape");
  EXPECT_EQ(complaint([&] {
              tape.backward(sum(tape.constant({2}, Numbers{1, 2})));
            }),
            "backward: sum depends on nothing that needs a gradient (only constants, or recorded under NoGrad)");
  EXPECT_EQ(complaint([&] {
              tape.variable({3}, Numbers{1, 2}, "weight");
            }),
            "weight: shape [3] does not fit 2 numbers");
  EXPECT_EQ(complaint([&] { (void)y.item(); }), "item: [2] has 2 elements, not one");
  tape.backward(sum(y));  // a refused call has changed nothing
  EXPECT_EQ(gradient_of(x), (Numbers{2, 2}));
}

TEST(Tape, TakesSeedsForSeveralOutputs) {
  Tape<double> tape;
  const Recording recording(tape);
  const Var<double> x = tape.variable({2}, Numbers{1, 2});
  const Var<double> y = x * x, z = scale(x, 10);
  const Numbers dy{1, 1}, dz{1, 0};
  const Tape<double>::Seed seeds[] = {{y, dy}, {z, dz}, {y, dy}, {x, dz}};  // twice the same, and an input
  tape.backward(seeds);
  EXPECT_EQ(gradient_of(x), (Numbers{2 * 2 + 10 + 1, 2 * 4}));
}

TEST(Tape, AValueOfAnotherTapeIsAConstant) {
  Tape<double> outer;
  const Recording outer_recording(outer);
  const Var<double> x = outer.variable({2}, Numbers{3, 4}), y = x * x;
  {
    Tape<double> inner;
    const Recording inner_recording(inner);
    const Var<double> w = inner.variable({2}, Numbers{1, 1});
    inner.backward(sum(w * y));
    EXPECT_EQ(gradient_of(w), (Numbers{9, 16}));
    EXPECT_FALSE(y.reached());
    EXPECT_EQ(complaint([&] { (void)sum(y * y).grad(); }),
              "grad: sum needs no gradient: it is a constant or depends on constants only");
  }
  EXPECT_EQ(&Tape<double>::current(), &outer);
  outer.backward(sum(y));
  EXPECT_EQ(gradient_of(x), (Numbers{6, 8}));
}

TEST(Tape, BackwardOfOneTapeWorksWhileAnotherRecords) {
  Tape<double> first, second;
  const Recording recording(first);
  const Var<double> x = first.variable({1}, Numbers{3}), y = x * x;
  const Recording other(second);
  first.backward(y);
  EXPECT_EQ(gradient_of(x), Numbers{6});
  EXPECT_EQ(&Tape<double>::current(), &second);
}

TEST(Tape, ExceptionsRestoreTheCurrentTape) {
  Tape<double> outer, inner;
  const Recording recording(outer);
  EXPECT_NE(complaint([&] {
              const Recording inside(inner);
              const NoGrad no_grad(inner);
              const Scope scope(inner);
              add(inner.constant({1}, Numbers{1}), inner.constant({2}, Numbers{1, 2}));
            }),
            "");
  EXPECT_EQ(&Tape<double>::current(), &outer);
  EXPECT_TRUE(inner.records_gradients());
  EXPECT_EQ(inner.arena().used(), 0U);
}

TEST(Tape, AnExceptionInABackwardRestoresTheCurrentTape) {
  Tape<double> outer, inner;
  const Recording recording(outer);
  Var<double> x, y, z;
  static bool broken;
  broken = true;
  {
    const Recording inside(inner);
    x = inner.variable({1}, Numbers{1});
    y = Tape<double>::make("broken", x.shape(), {x});
    open_value(y).data[0] = 1;
    on_backward(y, [=] {
      check(!broken, "broken: backward");
      if (auto dx = x.sink()) write_each(dx.open(), [=](auto) { return 5.0; });
    });
    z = scale(y, 2);
  }
  EXPECT_EQ(complaint([&] { inner.backward(z); }), "broken: backward");
  EXPECT_EQ(&Tape<double>::current(), &outer);
  broken = false;
  inner.clear_gradients();
  inner.backward(z);
  EXPECT_EQ(gradient_of(x), Numbers{5});
}

TEST(Tape, GivesGradientsBackUnlessTheyAreRetained) {
  Tape<double> tape;
  const Recording recording(tape);
  const Var<double> x = tape.variable({2}, Numbers{1, 2});
  const Var<double> gone = x * x, kept = scale(gone, 3).retain();
  tape.backward(sum(kept));
  EXPECT_EQ(complaint([&] { (void)gone.grad(); }),
            "grad: the gradient of multiply was given back after use; call retain() before backward");
  EXPECT_EQ(gradient_of(kept), (Numbers{1, 1}));
  EXPECT_EQ(gradient_of(x), (Numbers{6, 12}));
  tape.rewind();
  tape.retain_all(true);
  const Var<double> z = tape.variable({2}, Numbers{1, 2}), square = z * z, loss = sum(square);
  tape.backward(loss);
  EXPECT_EQ(gradient_of(square), (Numbers{1, 1}));
  EXPECT_EQ(gradient_of(loss), Numbers{1});
}

TEST(NoGrad, ComputesValuesOnly) {
  Tape<double> tape;
  const Recording recording(tape);
  const Var<double> x = tape.variable({2}, Numbers{1, 2});
  const std::size_t before = tape.arena().used();
  Var<double> y;
  {
    const NoGrad no_grad(tape);
    y = x * x;
    EXPECT_EQ(values_of(y), (Numbers{1, 4}));
  }
  EXPECT_EQ(tape.arena().used() - before, 128U + 64U) << "a node and its value, no closure";
  EXPECT_NE(complaint([&] { tape.backward(sum(y)); }), "");
  tape.backward(sum(x * x));
  EXPECT_EQ(gradient_of(x), (Numbers{2, 4}));
}

TEST(NoGrad, DoesNotSpoilTheInputsMadeUnderIt) {
  Numbers value{3}, gradient{0};
  Tape<double> tape;
  const Recording recording(tape);
  Var<double> x, weight;
  {
    const NoGrad no_grad(tape);
    x = tape.variable({1}, Numbers{2});
    weight = tape.leaf("weight", {1}, value.data(), gradient.data());
    EXPECT_EQ((x * weight).item(), 6);
  }
  tape.backward(x * weight);
  EXPECT_EQ(gradient_of(x), Numbers{3});
  EXPECT_EQ(gradient, Numbers{2});
}

TEST(Tape, NodesKnowNameParentsAndModule) {
  Tape<double> tape;
  const Recording recording(tape);
  const std::string path = "decoder.norm";
  const Var<double> x = tape.variable({2}, Numbers{1, 2}, "x");
  const InModule here(path);
  const Var<double> y = x * x;
  EXPECT_STREQ(y.name(), "multiply");
  EXPECT_STREQ(y.module(), "decoder.norm");
  EXPECT_EQ(x.module(), nullptr);
  ASSERT_EQ(y.node()->parent_count, 2);
  EXPECT_EQ(y.node()->parents[1], x.node());
  EXPECT_EQ(y.node()->previous, x.node());
  EXPECT_EQ(tape.last_node(), y.node());
  EXPECT_EQ(y.node()->index, 1);
}

TEST(Tape, FindsTheFirstValueThatIsNotFinite) {
  Tape<double> tape;
  const Recording recording(tape);
  const Var<double> x = tape.variable({2}, Numbers{1, 1e200});
  EXPECT_EQ(tape.first_not_finite(), nullptr);
  const Var<double> y = x * x;
  (void)sum(y);
  EXPECT_EQ(tape.first_not_finite(), y.node());
}

}  // namespace
}  // namespace qkv
