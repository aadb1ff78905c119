#include "qkv/autograd/shape.h"

#include <gtest/gtest.h>

#include "qkv/autograd/mask.h"
#include "tests/autograd/numbers.h"

namespace qkv {
namespace {

TEST(Shape, CountsElementsAndRows) {
  const Shape shape{2, 3, 4};
  EXPECT_EQ(shape.rank(), 3);
  EXPECT_EQ(shape.size(), 24);
  EXPECT_EQ(shape.rows(), 6);
  EXPECT_EQ(shape.last(), 4);
  EXPECT_EQ(shape.dim(-2), 3);
  EXPECT_EQ(shape.with_last(7), (Shape{2, 3, 7}));
  EXPECT_EQ(shape.text(), "[2, 3, 4]");
  EXPECT_EQ(Shape{}.size(), 1);
  EXPECT_EQ(Shape{}.rows(), 1);
  EXPECT_EQ(Shape{}.last(), 1);
  EXPECT_EQ(Shape{}.text(), "[]");
  EXPECT_EQ((Shape{3, 0}.size()), 0);
  EXPECT_EQ((Shape{3, 0}.rows()), 3);
  EXPECT_FALSE((Shape{2, 3} == Shape{2, 3, 1}));
}

TEST(Shape, SaysWhatIsWrong) {
  EXPECT_EQ(complaint([] { Shape{1, 2, 3, 4, 5}; }), "shape: 5 dimensions, but at most 4 are supported");
  EXPECT_EQ(complaint([] { Shape{2, -1}; }), "shape: dimension 1 has negative size -1");
  EXPECT_EQ(complaint([] { Shape({2, 3}).dim(2); }), "shape: [2, 3] has no dimension 2");
  EXPECT_EQ(complaint([] { Shape({2, 3}).dim(-3); }), "shape: [2, 3] has no dimension -3");
  EXPECT_EQ(complaint([] { Shape().with_last(2); }), "shape: a scalar has no last dimension to replace");
  EXPECT_EQ(complaint([] { Shape{1 << 16, 1 << 15}; }), "shape: [65536, 32768] has 2³¹ elements or more");
  EXPECT_EQ(complaint([] { Shape{0, 1 << 30, 1 << 30, 1 << 30}; }).substr(0, 30), "shape: [0, 1073741824, 1073741");
  EXPECT_EQ(complaint([] {
              Shape({1 << 16, 2}).with_last(1 << 15);
            }),
            "shape: [65536, 32768] has 2³¹ elements or more");
}

TEST(Check, NamesTheModule) {
  const std::string path = "encoder.layers.0.norm1";
  {
    const InModule here(path);
    EXPECT_EQ(complaint([] { check(false, "add: {} and {} differ", 1, 2); }),
              "add: 1 and 2 differ (in encoder.layers.0.norm1)");
  }
  EXPECT_EQ(complaint([] { check(false, "add: {} and {} differ", 1, 2); }), "add: 1 and 2 differ");
}

TEST(Mask, AllowsTheFirstKeys) {
  const std::vector<int> lengths{3, 0};
  const Mask none = Mask::none(), padding = Mask::padding(lengths), causal = Mask::causal(),
             both = Mask::causal_padding(lengths);
  for (int query = 0; query < 4; ++query) {
    EXPECT_EQ(none.allowed(0, query, 4, 4), 4);
    EXPECT_EQ(padding.allowed(0, query, 4, 4), 3);
    EXPECT_EQ(padding.allowed(1, query, 4, 4), 0);
    EXPECT_EQ(causal.allowed(0, query, 4, 4), query + 1);
    EXPECT_EQ(both.allowed(0, query, 4, 4), std::min(query + 1, 3));
    EXPECT_EQ(both.allowed(1, query, 4, 4), 0);
    EXPECT_EQ(causal.allowed(0, query, 4, 6), query + 3) << "the queries are the last ones";
    EXPECT_EQ(causal.allowed(0, query, 4, 2), std::max(query - 1, 0)) << "more queries than keys";
  }
}

TEST(Mask, FitsOnlyItsSentences) {
  const std::vector<int> lengths{3, 4}, negative{1, -1}, none;
  EXPECT_EQ(complaint([&] { Mask::padding(lengths).check_fits("softmax", 2, 4); }), "");
  EXPECT_EQ(complaint([&] { Mask::padding(lengths).check_fits("softmax", 3, 4); }),
            "softmax: the mask has 2 lengths for a batch of 3");
  EXPECT_EQ(complaint([&] { Mask::padding(lengths).check_fits("attention", 2, 3); }),
            "attention: the mask's length 4 of row 1 is not within 0 and 3");
  EXPECT_EQ(complaint([&] { Mask::padding(negative).check_fits("attention", 2, 3); }),
            "attention: the mask's length -1 of row 1 is not within 0 and 3");
  EXPECT_EQ(complaint([&] { Mask::padding(none).check_fits("attention", 2, 3); }),
            "attention: the mask has 0 lengths for a batch of 2");
  EXPECT_EQ(complaint([&] { Mask::padding(none).check_fits("attention", 0, 3); }), "");
}

}  // namespace
}  // namespace qkv
