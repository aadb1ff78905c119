#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "qkv/autograd/tape.h"

namespace qkv::gradcheck_detail {

/// What the backward of one operation did.
struct OperationStep {
  std::vector<std::int32_t> outputs, parents;      ///< indices of nodes
  std::vector<std::vector<double>> adjoints;       ///< of the outputs, before it ran
  std::vector<std::vector<double>> contributions;  ///< to the parents; not-a-number where it assigned nothing
  std::optional<std::size_t> overwritten;          ///< a parent whose gradient lost what was in it
};

/// The operation's outputs in the order in which they were made.
std::vector<const Node<double>*> outputs_of(const Closure<double>* closure);

/// Runs an operation's backward, looks at what it adds, and leaves the gradients as it would.
OperationStep look_at(const Closure<double>* closure);

}  // namespace qkv::gradcheck_detail
