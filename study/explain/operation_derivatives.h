#pragma once

#include <map>
#include <span>
#include <vector>

#include "qkv/autograd/tape.h"

namespace qkv {

/// The derivatives of single operations on a tape whose backward has run, by running the backward of one of them alone
/// on gradients of its own. Whatever an operation is, its Jacobian comes row by row from this.
class OperationDerivatives {
 public:
  explicit OperationDerivatives(std::span<Node<double>* const> nodes);

  /// Whether the operation that made this node has a backward: not where it depends on constants alone.
  bool has_backward(const Node<double>* output) const { return closures_.contains(output); }

  /// What flows back to each of `inputs_of(output)` for these gradients of the node: Jᵀ · gradients.
  std::vector<std::vector<double>> back(const Node<double>* output, std::vector<double> gradients) const;

  /// The nodes that it was computed from and that gradients flow to, each once.
  static std::vector<Node<double>*> inputs_of(const Node<double>* output);

 private:
  std::map<const Node<double>*, const Closure<double>*> closures_;
};

}  // namespace qkv
