#include "qkv/study/explain/quantity_rules.h"

#include <array>
#include <cmath>
#include <numeric>

#include "qkv/study/explain/quantity_rules_detail.h"

namespace qkv {
namespace {

using quantity_rules::Operation;

/// Whatever the operation is: its derivatives, row by row of the Jacobian.
class ByDerivatives : public Rule {
 public:
  explicit ByDerivatives(const Operation& operation) : derivatives_(operation.derivatives), node_(operation.node) {}

  std::vector<int> inputs() const override {
    std::vector<int> indices;
    for (const Node<double>* input : OperationDerivatives::inputs_of(node_)) indices.push_back(input->index);
    return indices;
  }

  Moving evaluate(std::int64_t k, const Read&) const override { return {node_->value[k]}; }

  Combined combined() const override { return Combined::other; }
  void terms(std::int64_t k, const Visit& visit) const override {
    for_row(k, [&](int input, std::int64_t element, double slope) {
      visit(std::array{Piece::plain(slope, "∂"), Piece::of(input, element)});
    });
  }
  std::string expression(std::int64_t) const override { return fmt::format("{} of the numbers below", node_->name); }
  std::string note() const override { return "∂ is how fast it grows with each of them"; }

  void backward(int input, std::int64_t only, const VisitAt& visit) const override {
    for (std::int64_t k = 0; k < node_->shape.size(); ++k)
      for_row(k, [&](int from, std::int64_t element, double slope) {
        if (from == input && (only == every || only == element))
          visit(element, std::array{Piece::gradient_of(node_->index, k), Piece::plain(slope, "∂")});
      });
  }

 private:
  template <class VisitSlope>
  void for_row(std::int64_t k, VisitSlope visit) const {
    std::vector<double> unit(static_cast<std::size_t>(node_->shape.size()));
    unit[k] = 1;
    const auto rows = derivatives_.back(node_, unit);
    const std::vector<int> from = inputs();
    for (std::size_t i = 0; i < rows.size(); ++i)
      for (std::size_t element = 0; element < rows[i].size(); ++element)
        if (rows[i][element] != 0) visit(from[i], static_cast<std::int64_t>(element), rows[i][element]);
  }

  const OperationDerivatives& derivatives_;
  const Node<double>* node_;
};

}  // namespace

void give_rules(Quantities& all, const OperationDerivatives& derivatives, const PassFacts& facts) {
  const int nodes = all.count();  // parts come behind them
  for (int i = 0; i < nodes; ++i) {
    const Node<double>* node = all[i].node;
    if (node->is_leaf || all[i].rule != nullptr || !derivatives.has_backward(node)) continue;
    const Operation operation{all, derivatives, facts, node};
    using namespace quantity_rules;
    if (!products_and_sums(operation) && !functions(operation) && !norms_and_losses(operation) &&
        !attentions(operation) && !recurrent_cells(operation))
      all.set_rule(i, std::make_unique<ByDerivatives>(operation));
  }
}

namespace quantity_rules {

void Operation::is_sum(const std::vector<int>& inputs, SumOfProducts::Products products,
                       const std::string& note) const {
  all.set_rule(self(), std::make_unique<SumOfProducts>(self(), size(), inputs, std::move(products), note));
}

void Operation::is(int input, Elementwise::Function f, const char* expression, const char* slope) const {
  all.set_rule(self(), std::make_unique<Elementwise>(all, self(), input, f, expression, slope));
}

int Operation::sum_part(const std::string& name, const std::vector<int>& sizes, const std::vector<int>& inputs,
                        SumOfProducts::Products products) const {
  const auto size = std::accumulate(sizes.begin(), sizes.end(), std::int64_t{1}, std::multiplies<>());
  return all.add_part(self(), name, sizes,
                      std::make_unique<SumOfProducts>(all.count(), size, inputs, std::move(products)));
}

int Operation::part(const std::string& name, int input, Elementwise::Function f, const char* expression,
                    const char* slope) const {
  return all.add_part(self(), name, all[input].sizes,
                      std::make_unique<Elementwise>(all, all.count(), input, f, expression, slope));
}

int Operation::softmax_part(const std::string& name, const std::vector<int>& sizes, int input,
                            std::function<int(int)> allowed) const {
  const int keys = sizes.back(), softmax = all.count(), sigma = softmax + 1;
  all.add_part(self(), name, sizes,
               std::make_unique<SoftmaxRule>(all, softmax, input, sigma, keys, std::move(allowed)));
  const std::vector<int> rows(sizes.begin(), sizes.end() - 1);
  const int count = std::accumulate(rows.begin(), rows.end(), 1, std::multiplies<>());
  all.add_part(self(), "sigma", rows, std::make_unique<SigmaRule>(sigma, softmax, count, keys));
  return softmax;
}

Moving sigmoid_of(const Moving& x) {  // in the form whose exponential does not overflow
  return x.value >= 0 ? Moving(1) / (Moving(1) + exp(-x)) : exp(x) / (Moving(1) + exp(x));
}
Moving tanh_of(const Moving& x) { return tanh(x); }
Moving relu_of(const Moving& x) { return x.value <= 0 ? Moving(0) : x; }

}  // namespace quantity_rules

}  // namespace qkv
