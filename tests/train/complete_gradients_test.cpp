#include "qkv/train/complete_gradients.h"

#include <gtest/gtest.h>

#include "qkv/autograd/ops.h"
#include "qkv/layers/linear.h"
#include "qkv/layers/model.h"
#include "tests/train/watched_backward.h"

namespace qkv {
namespace {

template <class T>
struct TwoLayers {
  explicit TwoLayers(const Path<T>& path) : inner(path / "inner", 2, 2), outer(path / "outer", 2, 2) {}
  Linear<T> inner, outer;
};
using Net = Model<TwoLayers, double>;

/// From which entry on the parameters inner.weight, inner.bias, outer.weight and outer.bias were complete, after each
/// closure of the loss's backward; 4: none.
template <class Loss>
std::vector<int> complete_from(const Loss& loss_of) {
  Net net(1);
  std::vector<int> entries;
  const auto places = watched_backward<double>(net.parameters(), [&] {
    return loss_of(net, Tape<double>::current().constant({1, 2}, {0.5, -1.5}));
  });
  for (const std::size_t place : places) {
    const auto& all = net.parameters().entries();
    entries.push_back(static_cast<int>(
        std::count_if(all.begin(), all.end(), [&](const auto& entry) { return entry.offset < place; })));
  }
  return entries;
}

TEST(CompleteGradients, GoFromTheEndToTheBegin) {
  const auto one_after_the_other = [](Net& net, Var<double> x) { return sum(net->outer(tanh(net->inner(x)))); };
  EXPECT_EQ(complete_from(one_after_the_other), (std::vector{4, 2, 2, 0})) << "sum, outer, tanh, inner";
}

TEST(CompleteGradients, WaitForTheFirstUse) {
  const auto outer_twice = [](Net& net, Var<double> x) { return sum(net->outer(net->inner(net->outer(x)))); };
  EXPECT_EQ(complete_from(outer_twice), (std::vector{4, 4, 4, 0}));
}

TEST(CompleteGradients, WaitForTheEndWhereNothingIsAdded) {
  const auto outer_alone = [](Net& net, Var<double> x) { return sum(net->outer(x)); };
  EXPECT_EQ(complete_from(outer_alone), (std::vector{4, 2})) << "inner's are set to zero later";
  const auto unused_result = [](Net& net, Var<double> x) {
    const Var<double> result = net->inner(x);
    net->outer(x);
    return sum(result);
  };
  EXPECT_EQ(complete_from(unused_result), (std::vector{4, 4})) << "outer's backward does not run";
}

}  // namespace
}  // namespace qkv
