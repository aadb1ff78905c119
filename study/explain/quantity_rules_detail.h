#pragma once

#include <functional>
#include <string>
#include <vector>

#include "qkv/study/explain/quantity_rules.h"
#include "qkv/study/explain/rules.h"

namespace qkv::quantity_rules {

/// One operation whose rules are being made: its node and what it was computed from.
struct Operation {
  Quantities& all;
  const OperationDerivatives& derivatives;
  const PassFacts& facts;
  const Node<double>* node;

  int self() const { return node->index; }
  int input(int i) const { return node->parents[i]->index; }
  int inputs() const { return node->parent_count; }
  const Shape& shape() const { return node->shape; }
  const Shape& shape_of(int i) const { return node->parents[i]->shape; }
  std::int64_t size() const { return node->shape.size(); }

  /// The node's own rule.
  void is_sum(const std::vector<int>& inputs, SumOfProducts::Products products, const std::string& note = "") const;
  void is(int input, Elementwise::Function f, const char* expression, const char* slope) const;

  /// Parts of it, which return their quantity.
  int sum_part(const std::string& name, const std::vector<int>& sizes, const std::vector<int>& inputs,
               SumOfProducts::Products products) const;
  int part(const std::string& name, int input, Elementwise::Function f, const char* expression,
           const char* slope) const;
  /// A softmax over the last of the sizes, and its sigma.
  int softmax_part(const std::string& name, const std::vector<int>& sizes, int input,
                   std::function<int(int)> allowed) const;
};

Moving sigmoid_of(const Moving& x);
Moving tanh_of(const Moving& x);
Moving relu_of(const Moving& x);
inline constexpr const char* slope_of_tanh = "1 − tanh²";
inline constexpr const char* slope_of_sigmoid = "σ (1 − σ)";

/// Each gives the rules of one family of operations, and returns whether this one belongs to it.
bool products_and_sums(const Operation& operation);
bool functions(const Operation& operation);
bool norms_and_losses(const Operation& operation);
bool attentions(const Operation& operation);
bool recurrent_cells(const Operation& operation);

}  // namespace qkv::quantity_rules
