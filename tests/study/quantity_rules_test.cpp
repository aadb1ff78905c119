#include "qkv/study/explain/quantity_rules.h"

#include <cmath>
#include <gtest/gtest.h>

#include "qkv/autograd/ops.h"
#include "qkv/autograd/random.h"

namespace qkv {
namespace {

/// A small function of x [1, 2, 4], y [1, 2, 4], both above 0, and z [4].
using Function = Var<double> (*)(Var<double> x, Var<double> y, Var<double> z);

struct Case {
  const char* operation;
  bool is_known;  ///< has a formula of its own; else one made of its derivatives
  Function function;
};

class OperationTakenApart : public testing::TestWithParam<Case> {};

/// The tape knows the value and the gradients; the terms must make the same, for every element.
TEST_P(OperationTakenApart, HasTheTapesValuesAndGradients) {
  Tape<double> tape;
  tape.retain_all(true);
  const Recording recording(tape);
  Random random(4);
  std::vector<double> numbers(20);
  for (double& number : numbers) number = random.uniform(0.5, 2);
  const std::span<const double> all(numbers);
  const Var<double> x = tape.variable({1, 2, 4}, all.subspan(0, 8), "x");
  const Var<double> y = tape.variable({1, 2, 4}, all.subspan(8, 8), "y");
  const Var<double> z = tape.variable({4}, all.subspan(16, 4), "z");
  const Var<double> result = GetParam().function(x, y, z);
  tape.backward(sum(multiply(result, result)));
  std::vector<Node<double>*> nodes;
  for (Node<double>* node = tape.last_node(); node != nullptr; node = node->previous) nodes.insert(nodes.begin(), node);

  Quantities quantities(nodes);
  const OperationDerivatives derivatives(nodes);
  give_rules(quantities, derivatives, {});
  bool is_there = false;
  for (const Node<double>* node : nodes) {
    const Quantity& quantity = quantities[node->index];
    if (std::string_view(node->name) == GetParam().operation) {
      is_there = true;
      EXPECT_EQ(quantity.rule->note().find("∂") == std::string::npos, GetParam().is_known);
    }
    for (std::int64_t element = 0; element < node->shape.size(); ++element) {
      const auto sum_up = [&](const std::vector<Product>& terms) {
        double sum = 0;
        for (const Product& term : terms) sum += quantities.number(term);
        return sum;
      };
      if (quantity.rule != nullptr && quantity.rule->combined() == Combined::sum) {
        EXPECT_NEAR(sum_up(quantities.terms(node->index, element)), node->value[element], 1e-13) << node->name;
      }
      if (node != nodes.back() && node->gradient != nullptr) {
        EXPECT_NEAR(sum_up(quantities.gradient_terms(node->index, element)), node->gradient[element], 1e-12)
            << node->name << " " << element;
      }
    }
  }
  EXPECT_TRUE(is_there);
}

using V = Var<double>;
const Case cases[] = {
    {"add", true, [](V x, V y, V) { return add(x, y); }},
    {"add", true, [](V x, V, V) { return add(x, x); }},
    {"add_bias", true, [](V x, V, V z) { return add_bias(x, z); }},
    {"subtract", true, [](V x, V y, V) { return subtract(x, y); }},
    {"multiply", true, [](V x, V y, V) { return multiply(x, y); }},
    {"multiply", true, [](V x, V, V) { return multiply(x, x); }},
    {"matmul", true, [](V x, V y, V) { return matmul(x, transpose(y)); }},
    {"transpose", true, [](V x, V, V) { return transpose(x); }},
    {"reshape", true,
     [](V x, V, V) {
       return reshape(x, {4, 2});
     }},
    {"split_heads", true, [](V x, V, V) { return split_heads(x, 2); }},
    {"merge_heads", true, [](V x, V, V) { return merge_heads(split_heads(x, 2)); }},
    {"slice", true, [](V x, V, V) { return slice(x, 2, 1, 2); }},
    {"concat", true,
     [](V x, V y, V) {
       return concat({x, y}, 1);
     }},
    {"layer_norm", true, [](V x, V, V z) { return layer_norm(x, z, z); }},
    {"add_layer_norm", true, [](V x, V y, V z) { return add_layer_norm(x, y, z, z); }},
    {"softmax", true, [](V x, V, V) { return softmax(x); }},
    {"tanh", true, [](V x, V, V) { return tanh(x); }},
    {"sigmoid", true, [](V x, V, V) { return sigmoid(x); }},
    {"relu", true, [](V x, V y, V) { return relu(subtract(x, y)); }},
    {"gelu", true, [](V x, V, V) { return gelu(x); }},
    {"exp", true, [](V x, V, V) { return exp(x); }},
    {"log", true, [](V x, V, V) { return log(x); }},
    {"additive_scores", true, [](V x, V y, V z) { return additive_scores(x, y, z); }},
    {"divide", false, [](V x, V y, V) { return divide(x, y); }},
    {"scale", false, [](V x, V, V) { return scale(x, 3); }},
    {"max", false, [](V x, V, V) { return max(x, -1); }},
    {"sum", false, [](V x, V, V) { return sum(x, 1); }},
    // Without a record nobody knows its mask.
    {"attention", false, [](V x, V y, V) { return attention(x, y, y, Mask::causal(), 2).output; }},
    // A part that is given twice cannot be told from the other by where gradients go.
    {"concat", false,
     [](V x, V, V) {
       return concat({x, x}, 1);
     }},
};

INSTANTIATE_TEST_SUITE_P(Operations, OperationTakenApart, testing::ValuesIn(cases), [](const auto& test) {
  return std::string(test.param.operation) + std::to_string(test.index);
});

}  // namespace
}  // namespace qkv
