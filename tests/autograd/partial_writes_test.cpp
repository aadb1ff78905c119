// A backward that opens a gradient and does not assign all of it adds to whatever was in that memory. It is found.

#include <gtest/gtest.h>

#include "qkv/autograd/gradcheck/differences.h"
#include "qkv/autograd/ops.h"
#include "tests/autograd/numbers.h"

namespace qkv {
namespace {

enum class Way { once, row_by_row, first_row_only };

/// y = 3 x. Its gradient is opened once; for every row again, so that only the first is assigned; or not all is
/// written.
template <class T>
Var<T> tripled(Var<T> x, Way way) {
  Var<T> y = Tape<T>::make("tripled", x.shape(), {x});
  write_each(open_value(y), [a = x.data()](auto i) { return T(3) * a[i]; });
  on_backward(y, [=] {
    const View<T> dy = y.grad();
    auto dx = x.sink();
    if (!dx) return;
    if (way == Way::once) return write_each(dx.open(), [=](auto i) { return T(3) * dy.data[i]; });
    for (int r = 0; r < (way == Way::row_by_row ? dy.rows : 1); ++r) {
      const T* row = dy.row_block(r, 1).data;
      write_each(dx.open().row_block(r, 1), [=](auto i) { return T(3) * row[i]; });
    }
  });
  return y;
}

constexpr const char* three_of_six =
    "tripled: its backward does not assign all of the gradient of its input 0, x [2, 3]: 3 of 6 numbers are left out, "
    "or "
    "added to what was never written; open() it once and write all of it, or use open_zeroed()";

TEST(PartialWrites, AreWhatAGradientCheckSaysIsWrong) {
  const std::vector<CheckInput> inputs{{"x", {2, 3}}};
  EXPECT_TRUE(gradcheck([](auto x) { return tripled(x[0], Way::once); }, inputs).passed);
  for (Way way : {Way::row_by_row, Way::first_row_only})
    for (std::int64_t limit : {std::int64_t{0}, std::int64_t{1000}}) {  // directions only, and the whole Jacobian
      const GradcheckResult result =
          gradcheck([=](auto x) { return tripled(x[0], way); }, inputs, {.largest_jacobian = limit});
      EXPECT_FALSE(result.passed);
      ASSERT_EQ(result.mismatches.size(), 1U);
      EXPECT_EQ(result.mismatches[0].diagnosis, three_of_six);
    }
}

TEST(PartialWrites, AreWhatADifferenceCheckSaysIsWrong) {
  const auto function = [](std::span<const Var<double>> x) { return std::vector{tripled(x[0], Way::row_by_row)}; };
  const GradcheckResult result = difference_check(function, {{"x", {2, 3}}});
  EXPECT_FALSE(result.passed);
  ASSERT_EQ(result.mismatches.size(), 1U);
  EXPECT_EQ(result.mismatches[0].diagnosis, three_of_six);
}

TEST(PartialWrites, OfAnInputThatHasAGradientAlreadyAreAdditions) {
  const GradcheckResult result = gradcheck(
      [](auto x) {
        const auto first = tripled(x[0], Way::row_by_row), second = tripled(x[0], Way::once);
        return first + second;
      },
      {{"x", {2, 3}}});
  EXPECT_TRUE(result.passed) << result.message();  // backward, the second use comes first
}

TEST(PartialWrites, AreRefusedWithOperationInputAndModule) {
  Tape<float> tape;
  const Recording recording(tape);
  tape.on_partial_writes(Tape<float>::PartialWrites::refused);
  const std::string path = "encoder.mine";
  const auto loss = [&](Way way) {
    const InModule here(path);
    const Var<float> x = tape.variable({2, 3}, {1, 2, 3, 4, 5, 6});
    return sum(tripled(2.0 * x, way));
  };
  const Var<float> y = loss(Way::row_by_row);
  EXPECT_EQ(
      complaint([&] { tape.backward(y); }),
      "tripled: its backward does not assign all of the gradient of its input 0, scale [2, 3]: 3 of 6 numbers are "
      "left out, or added to what was never written; open() it once and write all of it, or use open_zeroed() "
      "(in encoder.mine)");
  tape.rewind();
  EXPECT_EQ(complaint([&] { tape.backward(loss(Way::once)); }), "");
}

TEST(PartialWrites, AreRefusedInDebugBuilds) {
  Tape<double> tape;
  const Recording recording(tape);
  const Var<double> x = tape.variable({2, 3}, {1, 2, 3, 4, 5, 6}, "x"), y = sum(tripled(x, Way::first_row_only));
#if defined(NDEBUG)
  EXPECT_EQ(complaint([&] { tape.backward(y); }), "");
#else
  EXPECT_EQ(complaint([&] { tape.backward(y); }), three_of_six);
#endif
}

}  // namespace
}  // namespace qkv
