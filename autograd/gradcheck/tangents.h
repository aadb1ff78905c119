#pragma once

#include <algorithm>
#include <functional>
#include <limits>
#include <span>
#include <vector>

#include "qkv/autograd/gradcheck/moving_input.h"
#include "qkv/autograd/gradcheck/operation_check.h"

namespace qkv::gradcheck_detail {

/// The forward pass on duals, in which every operation gets tangents that do not depend on the others.
class Tangents : private Tape<DualDouble>::NodeWatch {
 public:
  /// The outputs of an operation, by the indices of their nodes.
  using Outputs = std::vector<std::int32_t>;

  Tangents(const DualFunction& function, const std::vector<CheckInput>& inputs) : function_(function), inputs_(inputs) {
    tape_.watch(this);
  }

  /// Runs it with random tangents of the inputs, and of what each of these operations returns, in the order in which
  /// they were recorded. So a tangent that happens to be 0, or to lie where a fault does not show, hides nothing.
  void run(const std::vector<Outputs>& operations, Random& random) {
    const auto tangent = [&] { return random.normal(); };
    next_ = 0;
    before_ = [&](std::int32_t index) {
      // An operation is done when a node is made that is none of its outputs.
      while (next_ < operations.size() && operations[next_].back() < index) {
        for (const std::int32_t output : operations[next_]) {
          Node<DualDouble>* node = node_before(output);
          computed_.resize(std::max<std::size_t>(computed_.size(), output + 1));
          computed_[output].assign(node->value, node->value + node->shape.size());
          for (std::int64_t j = 0; j < node->shape.size(); ++j)
            for (double& d : node->value[j].d) d = tangent();
        }
        ++next_;
      }
    };
    record([&](int, std::size_t, std::size_t) { return tangent(); });
    before_(std::numeric_limits<std::int32_t>::max());  // the last ones
  }

  /// Runs it with tangents for the inputs of one operation alone, whose first output has this index: entry `element` of
  /// `parent` moves in direction k by tangent(k, element), and the other inputs do not.
  template <class Tangent>
  void run_one(std::int32_t output, std::span<const std::int32_t> parents, std::int32_t parent, Tangent tangent) {
    before_ = [&](std::int32_t index) {
      if (index != output) return;
      for (const std::int32_t other : parents) {
        Node<DualDouble>* node = node_before(other);
        for (std::int64_t j = 0; j < node->shape.size(); ++j)
          for (int k = 0; k < dual_directions; ++k) node->value[j].d[k] = other == parent ? tangent(k, j) : 0.0;
      }
    };
    // An input of the whole function moves from the start, because copies of it may be made before the operation.
    record([&](int k, std::size_t i, std::size_t j) {
      return static_cast<std::int32_t>(i) == parent ? tangent(k, static_cast<std::int64_t>(j)) : 0.0;
    });
  }

  const std::vector<Node<DualDouble>*>& nodes() const { return nodes_; }

  /// What an operation computed, and what the others got from it.
  const DualDouble* computed(std::int32_t output) const {
    const bool was_changed = static_cast<std::size_t>(output) < computed_.size() && !computed_[output].empty();
    return was_changed ? computed_[output].data() : nodes_[output]->value;
  }
  const DualDouble* given(std::int32_t input) const { return nodes_[input]->value; }

 private:
  template <class Direction>
  void record(Direction direction) {
    tape_.rewind();
    computed_.clear();
    const Recording recording(tape_);
    std::vector<Var<DualDouble>> vars;
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      const auto numbers =
          moving(inputs_[i], dual_directions, [&](int k, std::size_t j) { return direction(k, i, j); });
      vars.push_back(tape_.variable(inputs_[i].shape, numbers, inputs_[i].name.c_str()));
    }
    function_(std::span<const Var<DualDouble>>(vars));
    nodes_.clear();
    for (Node<DualDouble>* node = tape_.last_node(); node != nullptr; node = node->previous) nodes_.push_back(node);
    std::reverse(nodes_.begin(), nodes_.end());
  }

  void before(std::int32_t index) override { before_(index); }

  Node<DualDouble>* node_before(std::int32_t index) const {
    Node<DualDouble>* node = tape_.last_node();
    while (node->index != index) node = node->previous;
    return node;
  }

  const DualFunction& function_;
  const std::vector<CheckInput>& inputs_;
  Tape<DualDouble> tape_;
  std::vector<Node<DualDouble>*> nodes_;
  std::vector<std::vector<DualDouble>> computed_;  // by node
  std::size_t next_ = 0;                           // operation
  std::function<void(std::int32_t)> before_;
};

}  // namespace qkv::gradcheck_detail
