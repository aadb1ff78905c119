#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "qkv/study/explain/quantity_rules_detail.h"

namespace qkv::quantity_rules {
namespace {

/// y[r, o] = Σ over c of x[r, c] · w[o, c] + b[o]
SumOfProducts::Products linear_products(const Operation& op) {
  const int in = op.shape_of(1).dim(1), out = op.shape_of(1).dim(0);
  return [=, x = op.input(0), w = op.input(1), b = op.inputs() > 2 ? op.input(2) : -1](std::int64_t k,
                                                                                       const Rule::Visit& visit) {
    const std::int64_t row = k / out, o = k % out;
    for (int c = 0; c < in; ++c) visit(std::array{Piece::of(x, row * in + c), Piece::of(w, o * in + c)});
    if (b >= 0) visit(std::array{Piece::of(b, o)});
  };
}

std::vector<int> all_inputs(const Operation& op) {
  std::vector<int> inputs;
  for (int i = 0; i < op.inputs(); ++i) inputs.push_back(op.input(i));
  return inputs;
}

void linear(const Operation& op) { op.is_sum(all_inputs(op), linear_products(op)); }

void linear_relu(const Operation& op) {
  const int sum = op.sum_part("sum", op.all[op.self()].sizes, all_inputs(op), linear_products(op));
  op.is(sum, relu_of, "max(0, {})", "1 where it is above 0");
}

/// c[m, n] = Σ over k of a[m, k] · b[k, n], for every leading index
void matmul(const Operation& op) {
  const int m = op.shape().dim(-2), n = op.shape().dim(-1), inner = op.shape_of(0).dim(-1);
  op.is_sum(all_inputs(op), [=, a = op.input(0), b = op.input(1)](std::int64_t k, const Rule::Visit& visit) {
    const std::int64_t matrix = k / n / m, row = k / n, column = k % n;
    for (int i = 0; i < inner; ++i)
      visit(std::array{Piece::of(a, row * inner + i), Piece::of(b, (matrix * inner + i) * n + column)});
  });
}

void add(const Operation& op) {
  op.is_sum(all_inputs(op), [a = op.input(0), b = op.input(1)](std::int64_t k, const Rule::Visit& visit) {
    visit(std::array{Piece::of(a, k)});
    visit(std::array{Piece::of(b, k)});
  });
}

void add_bias(const Operation& op) {
  op.is_sum(all_inputs(op),
            [x = op.input(0), b = op.input(1), width = op.shape().last()](std::int64_t k, const Rule::Visit& visit) {
              visit(std::array{Piece::of(x, k)});
              visit(std::array{Piece::of(b, k % width)});
            });
}

void subtract(const Operation& op) {
  op.is_sum(all_inputs(op), [a = op.input(0), b = op.input(1)](std::int64_t k, const Rule::Visit& visit) {
    visit(std::array{Piece::of(a, k)});
    visit(std::array{Piece::minus(), Piece::of(b, k)});
  });
}

void multiply(const Operation& op) {
  op.is_sum(all_inputs(op), [a = op.input(0), b = op.input(1)](std::int64_t k, const Rule::Visit& visit) {
    visit(std::array{Piece::of(a, k), Piece::of(b, k)});
  });
}

/// Whether the first `count` numbers of a table are what the formula says.
bool is_sinusoidal(const Node<double>* table, std::int64_t count) {
  const Sinusoid sinusoid(table->shape.last());
  for (std::int64_t k = 0; k < count; ++k)
    if (std::abs(sinusoid.evaluate(k, {}).value - table->value[k]) > 1e-12) return false;
  return true;
}

/// y[i, c] = x[i, c] + table[i, c]. Where a table begins elsewhere, it is not this.
bool add_positions(const Operation& op) {
  const Node<double>*x = op.node->parents[0], *table = op.node->parents[1];
  for (std::int64_t k = 0; k < op.size(); ++k)
    if (k >= table->shape.size() || op.node->value[k] != x->value[k] + table->value[k]) return false;
  add(op);
  if (table->is_leaf && !table->needs_gradient && is_sinusoidal(table, op.size()))
    op.all.set_rule(table->index, std::make_unique<Sinusoid>(table->shape.last()));
  return true;
}

/// y[i, c] = factor · table[id of i, c], with the ids of one of the sentences; and how much of ∂loss reaches each.
bool embedding(const Operation& op) {
  const Node<double>* table = op.node->parents[0];
  const int width = op.shape().last();
  for (const std::vector<int>& ids : op.facts.ids)
    for (const double factor : {1.0, std::sqrt(static_cast<double>(width))}) {
      const auto element = [=](std::int64_t k) { return std::int64_t{ids[k / width]} * width + k % width; };
      bool is_this = std::ssize(ids) * width == op.size();
      for (std::int64_t k = 0; is_this && k < op.size(); ++k)
        is_this = element(k) < table->shape.size() && op.node->value[k] == factor * table->value[element(k)];
      if (!is_this) continue;
      op.is_sum({op.input(0)}, [=, from = op.input(0)](std::int64_t k, const Rule::Visit& visit) {
        if (factor == 1)
          visit(std::array{Piece::of(from, element(k))});
        else
          visit(std::array{Piece::plain(factor, "√d_model"), Piece::of(from, element(k))});
      });
      op.all.add_part(op.self(), "reach", {static_cast<int>(ids.size())},
                      std::make_unique<NormOfGradient>(op.self(), width));
      return true;
    }
  return false;
}

/// What puts numbers elsewhere and leaves them as they are. Where each came from is what its backward does to the
/// numbers 1, 2, 3, …
bool move(const Operation& op) {
  std::vector<double> numbered(static_cast<std::size_t>(op.size()));
  for (std::size_t k = 0; k < numbered.size(); ++k) numbered[k] = static_cast<double>(k + 1);
  const auto came_back = op.derivatives.back(op.node, numbered);
  const std::vector<Node<double>*> inputs = OperationDerivatives::inputs_of(op.node);
  std::vector<Piece> from(numbered.size());
  for (std::size_t i = 0; i < came_back.size(); ++i)
    for (std::size_t element = 0; element < came_back[i].size(); ++element) {
      const double number = came_back[i][element];
      if (number == 0) continue;
      const auto k = static_cast<std::size_t>(number) - 1;
      const auto at = static_cast<std::int64_t>(element);
      const bool is_copy = number >= 1 && k < from.size() && static_cast<double>(k + 1) == number &&
                           inputs[i]->value[at] == op.node->value[k];
      if (!is_copy || from[k].quantity >= 0) return false;
      from[k] = Piece::of(inputs[i]->index, at);
    }
  for (std::size_t k = 0; k < from.size(); ++k)  // constants get no gradient
    if (from[k].quantity < 0) from[k] = Piece::plain(op.node->value[k], "a constant");
  std::vector<int> read;
  for (const Node<double>* input : inputs) read.push_back(input->index);
  op.is_sum(read, [=](std::int64_t k, const Rule::Visit& visit) { visit(std::array{from[k]}); });
  return true;
}

constexpr std::array<std::string_view, 8> moves = {"slice",       "concat",      "reshape",    "transpose",
                                                   "split_heads", "merge_heads", "hold_ended", "dropout"};

}  // namespace

bool products_and_sums(const Operation& op) {
  const std::string_view name = op.node->name;
  if (name == "linear" || name == "linear_transposed") return linear(op), true;
  if (name == "linear_relu") return linear_relu(op), true;
  if (name == "matmul") return matmul(op), true;
  if (name == "add") return add(op), true;
  if (name == "add_bias") return add_bias(op), true;
  if (name == "subtract") return subtract(op), true;
  if (name == "multiply") return multiply(op), true;
  if (name == "add_positions") return add_positions(op);
  if (name == "embedding") return embedding(op);
  return std::find(moves.begin(), moves.end(), name) != moves.end() && move(op);
}

}  // namespace qkv::quantity_rules
