#include "qkv/study/explain/operation_derivatives.h"

#include <algorithm>
#include <deque>

namespace qkv {
namespace {

/// Gives a node another gradient until the end of the block.
class Lent {
 public:
  Lent(Node<double>* node, std::vector<double>& gradient, bool written)
      : node_(node), gradient_(node->gradient), written_(node->written), opened_(node->opened) {
    node->gradient = gradient.data();
    node->written = written;
  }
  Lent(const Lent&) = delete;
  Lent& operator=(const Lent&) = delete;
  ~Lent() {
    node_->gradient = gradient_;
    node_->written = written_;
    node_->opened = opened_;
  }

 private:
  Node<double>* node_;
  double* gradient_;
  bool written_, opened_;
};

}  // namespace

OperationDerivatives::OperationDerivatives(std::span<Node<double>* const> nodes) {
  if (nodes.empty()) return;
  for (const Closure<double>* closure = nodes.front()->tape->last_closure(); closure != nullptr;
       closure = closure->previous)
    for (std::int32_t i = 0; i < closure->output_count; ++i) closures_[closure->outputs[i]] = closure;
}

std::vector<Node<double>*> OperationDerivatives::inputs_of(const Node<double>* output) {
  std::vector<Node<double>*> inputs;
  for (std::int32_t i = 0; i < output->parent_count; ++i) {
    Node<double>* input = output->parents[i];
    if (input->needs_gradient && std::find(inputs.begin(), inputs.end(), input) == inputs.end())
      inputs.push_back(input);
  }
  return inputs;
}

std::vector<std::vector<double>> OperationDerivatives::back(const Node<double>* output,
                                                            std::vector<double> gradients) const {
  const Closure<double>* closure = closures_.at(output);
  std::deque<Lent> lent;
  std::deque<std::vector<double>> others;  // outputs of the same operation, into which nothing flows
  for (std::int32_t i = 0; i < closure->output_count; ++i) {
    Node<double>* other = closure->outputs[i];
    lent.emplace_back(
        other, other == output ? gradients : others.emplace_back(static_cast<std::size_t>(other->shape.size())), true);
  }
  std::vector<std::vector<double>> result;
  const std::vector<Node<double>*> inputs = inputs_of(output);
  result.reserve(inputs.size());  // their gradients lie here
  for (Node<double>* input : inputs)
    lent.emplace_back(input, result.emplace_back(static_cast<std::size_t>(input->shape.size())), false);
  const Recording recording(*output->tape);
  closure->run(closure);
  return result;
}

}  // namespace qkv
