#pragma once

#include <functional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "qkv/autograd/gradcheck/gradcheck.h"

namespace qkv {

struct DifferenceOptions {
  double tolerance = 1e-6;
  std::uint64_t seed = 1;
};

/// Compares a function's backward with central differences, (φ(x + h) − φ(x − h)) / 2h for every entry of every input,
/// where φ = ⟨v, f⟩ for a random cotangent v. For functions written for double only; those that are generic in the
/// scalar are checked exactly by `gradcheck`.
///
/// A large step h truncates the Taylor series, with an error that falls as h²; a small one loses digits, with an error
/// that grows as 1/h. So ten steps are tried, 10⁻¹ to 10⁻¹⁰ times max(1, |x|); each entry is judged by the one that
/// agrees best: |a − b| ≤ tolerance · s, with s the largest entry of Jᵀ v. Steps at which round-off alone would exceed
/// that are not counted. The result's `sweep` has the error of every step.
///
/// Where the slopes from the left and from the right differ and do not approach each other, as those of ReLU at 0,
/// there is a kink. It is told in `notes`, with both slopes, and is a failure only if the backward pass gives no number
/// between them.
///
/// function(x), with x a std::span<const Var<double>> of the inputs, returns a Var<double> or several in a std::vector,
/// always the same for the same x. Throws whatever it throws, and std::invalid_argument if it returns something that is
/// not finite.
GradcheckResult difference_check(const std::function<std::vector<Var<double>>(std::span<const Var<double>>)>& function,
                                 std::vector<CheckInput> inputs, const DifferenceOptions& options = {});

/// The same for a function that returns one Var.
template <class Function>
requires std::is_same_v<std::invoke_result_t<const Function&, std::span<const Var<double>>>, Var<double>>
    GradcheckResult difference_check(const Function& function, std::vector<CheckInput> inputs,
                                     const DifferenceOptions& options = {}) {
  const std::function<std::vector<Var<double>>(std::span<const Var<double>>)> as_list =
      [function](std::span<const Var<double>> x) { return std::vector<Var<double>>{function(x)}; };
  return difference_check(as_list, std::move(inputs), options);
}

}  // namespace qkv
