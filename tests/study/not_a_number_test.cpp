// Not-a-number in any input of any operation reaches an output, unless the operation does not read it at all: what
// goes wrong is never turned back into numbers that look right.

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <vector>

#include "qkv/autograd/ops/layer_norm.h"
#include "qkv/study/check_operations.h"

namespace qkv {
namespace {

template <class T>
using Inputs = std::vector<std::vector<T>>;

template <class T>
std::vector<T> outputs(const OperationCase& operation, const Inputs<T>& inputs) {
  Tape<T> tape;
  const Recording recording(tape);
  std::vector<Var<T>> variables;
  for (std::size_t i = 0; i < inputs.size(); ++i)
    variables.push_back(tape.constant(operation.inputs[i].shape, inputs[i]));
  std::vector<T> numbers;
  for (const Var<T> y : operation.function(std::span<const Var<T>>(variables)))
    numbers.insert(numbers.end(), y.data(), y.data() + y.size());
  return numbers;
}

template <class T>
class NotANumber : public testing::Test {};
using Scalars = testing::Types<float, double>;
TYPED_TEST_SUITE(NotANumber, Scalars);

TYPED_TEST(NotANumber, PassesEveryOperation) {
  using T = TypeParam;
  for (const OperationCase& operation : operation_cases()) {
    Inputs<T> inputs;
    for (const CheckInput& input : with_values(operation.inputs, 1))
      inputs.emplace_back(input.values.begin(), input.values.end());
    const std::vector<T> clean = outputs(operation, inputs);
    int read = 0;
    for (std::size_t i = 0; i < inputs.size(); ++i)
      for (std::size_t place = 0; place < inputs[i].size(); ++place) {
        const auto with = [&](T number) {
          Inputs<T> changed = inputs;
          changed[i][place] = number;
          return outputs(operation, changed);
        };
        if (with(T(-9)) == clean && with(T(9)) == clean) continue;  // masked, dropped, or a word that does not occur
        ++read;
        const std::vector<T> y = with(std::numeric_limits<T>::quiet_NaN());
        EXPECT_TRUE(std::any_of(y.begin(), y.end(), [](T number) { return std::isnan(number); }))
            << operation.name << ", " << operation.inputs[i].name << " at " << place;
      }
    EXPECT_GT(read, 0) << operation.name;
  }
}

TYPED_TEST(NotANumber, ComesOutOfALayerNormWhoseVarianceOverflows) {
  using T = TypeParam;
  Tape<T> tape;
  const Recording recording(tape);
  const T huge = std::numeric_limits<T>::max() / 4;
  const std::vector<T> numbers{huge, -huge, huge, -huge}, ones(4, 1), zeros(4, 0);
  const Var<T> x = tape.constant({1, 4}, numbers), weight = tape.constant({4}, ones), bias = tape.constant({4}, zeros);
  const Var<T> y = layer_norm(x, weight, bias);
  for (int j = 0; j < 4; ++j) EXPECT_TRUE(std::isnan(y.data()[j]));
}

}  // namespace
}  // namespace qkv
