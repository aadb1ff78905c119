#pragma once

#include <span>
#include <string>
#include <vector>

#include "qkv/autograd/gradcheck/gradcheck.h"

namespace qkv {

/// An operation inside a function whose backward is wrong.
struct WrongOperation {
  std::string operation;   ///< such as "layer_norm"
  std::string module;      ///< the layer it is used in, such as "encoder.layers.0.norm1", or empty
  std::string input;       ///< whose gradient is wrong, such as "input 1, encoder.layers.0.norm1.weight"
  std::vector<int> index;  ///< of the entry in that input; empty if no single entry is to blame
  double got = 0;          ///< what the backward adds to that entry's gradient
  double expected = 0;     ///< what it should add, by the forward pass
  std::string diagnosis;   ///< what the pattern of wrong entries looks like, or empty

  /// "layer_norm in encoder.layers.0.norm1: gradient of input 0, add [2, 3, 4], at [0, 1, 2]: got …, expected …"
  std::string message() const;
};

/// What an operation-by-operation check found.
struct OperationCheckResult {
  bool passed = true;
  std::int64_t operations = 0;        ///< how many were checked: those that the outputs depend on
  double error = 0;                   ///< the largest |a − b| / s over all operations
  std::vector<WrongOperation> wrong;  ///< in the order of the backward pass, at most `most_wrong`

  static constexpr std::size_t most_wrong = 5;

  /// One line for people.
  std::string message() const;
};

namespace gradcheck_detail {
OperationCheckResult check_operations(const RealFunction& in_double, const DualFunction& on_duals,
                                      std::vector<CheckInput> inputs, const GradcheckOptions& options);
}  // namespace gradcheck_detail

/// Checks each operation that a function consists of by itself, in one pass with tangents ẋ, eight random directions at
/// once on dual numbers and new ones behind every operation, and one backward pass with adjoints x̄. At every operation
/// y = f(x₁, x₂, …)
///   Σ ⟨ȳ, ẏ⟩ over its outputs   must equal   Σ ⟨what its backward adds to x̄ᵢ, ẋᵢ⟩ over its inputs
/// to tolerance · Σ|…|, whatever the others did to ȳ (the identity behind reverse mode; Griewank & Walther 2008,
/// section 3.3). Each backward also runs once on gradients that hold something already, which must still be in them. Of
/// an operation that is wrong, the input and the entry are found by giving tangents to its inputs alone.
///
/// `function` is as in `gradcheck`, and must do the same operations for both scalars; throws std::invalid_argument if
/// it does not.
template <class Function>
OperationCheckResult gradcheck_operations(const Function& function, std::vector<CheckInput> inputs,
                                          const GradcheckOptions& options = {}) {
  using namespace gradcheck_detail;
  return check_operations([&](std::span<const Var<double>> x) { return as_list(function(x)); },
                          [&](std::span<const Var<DualDouble>> x) { return as_list(function(x)); }, std::move(inputs),
                          options);
}

}  // namespace qkv
