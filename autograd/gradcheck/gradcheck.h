#pragma once

#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "qkv/autograd/dual.h"
#include "qkv/autograd/gradcheck/diagnosis.h"
#include "qkv/autograd/random.h"
#include "qkv/autograd/tape.h"

namespace qkv {

/// One differentiable input of a function under check.
struct CheckInput {
  std::string name;
  Shape shape;
  std::vector<double> values = {};  ///< row by row; when there are none, standard normal numbers are drawn
};

/// The inputs with numbers in place of those that were left out. Each draws from a stream of its own.
/// Throws std::invalid_argument if the numbers of an input do not fit its shape.
std::vector<CheckInput> with_values(std::vector<CheckInput> inputs, std::uint64_t seed);

/// One entry of a gradient that is wrong.
struct Mismatch {
  std::string input;
  std::vector<int> index;  ///< of the entry in the input
  double got = 0;          ///< from the backward pass
  double expected = 0;     ///< from the forward pass
  std::string diagnosis =
      {};  ///< what the pattern of wrong entries looks like, or empty; see autograd/gradcheck/diagnosis.h
};

/// How well central differences with one step size agree with the backward pass.
struct SweptStep {
  double step = 0;
  double error = 0;  ///< the largest |a − b| / s over all entries
};

/// An input that nothing depends on.
struct ZeroGradient {
  std::string input;
  std::string reason;  ///< why that is so by mathematics; empty if it should not be; see autograd/attention_record.h

  friend bool operator==(const ZeroGradient&, const ZeroGradient&) = default;
};

/// What a gradient check found.
struct GradcheckResult {
  bool passed = true;
  double error = 0;                          ///< the largest |a − b| / s
  std::int64_t inputs = 0;                   ///< how many numbers the function was differentiated by
  std::int64_t jacobian_entries = 0;         ///< how many entries of the Jacobian were compared one by one
  std::vector<Mismatch> mismatches;          ///< the worst entry of every input that is wrong, the worst first
  std::vector<SweptStep> sweep;              ///< central differences only: large steps truncate, small ones round off
  std::vector<ZeroGradient> zero_gradients;  ///< inputs by which every derivative is 0, if the Jacobian was compared
  std::vector<std::string> notes;            ///< kinks, and whatever else a reader should know

  /// One line for people: what is wrong and where.
  std::string message() const;
};

struct GradcheckOptions {
  double tolerance = 1e-12;
  std::uint64_t seed = 1;
  std::int64_t largest_jacobian = 300'000;  ///< up to this many entries, the whole Jacobian is compared
  NamedSizes sizes = {};                    ///< what a diagnosis may name as the origin of a wrong factor
};

namespace gradcheck_detail {

/// A function under check in each of the two scalars.
using RealFunction = std::function<std::vector<Var<double>>(std::span<const Var<double>>)>;
using DualFunction = std::function<std::vector<Var<DualDouble>>(std::span<const Var<DualDouble>>)>;

template <class S>
std::vector<Var<S>> as_list(Var<S> output) {
  return {output};
}
template <class S>
std::vector<Var<S>> as_list(std::vector<Var<S>> outputs) {
  return outputs;
}

GradcheckResult check_exactly(const RealFunction& in_double, const DualFunction& on_duals,
                              std::vector<CheckInput> inputs, const GradcheckOptions& options);

}  // namespace gradcheck_detail

/// Compares a function's backward with its forward pass, exactly: ⟨v, J u⟩ from dual numbers with ⟨Jᵀ v, u⟩ from the
/// tape, for random cotangents v and one random direction u per input, in double: |a − b| ≤ tolerance · s, where s is
/// the larger of Σ|vᵢ (J u)ᵢ| and Σ|(Jᵀ v)ⱼ uⱼ| over all inputs. There is no step size, and no division by a product
/// that vanishes. Small functions are compared by their whole Jacobian as well, entry by entry, with s its largest
/// entry.
///
/// `function` is generic in the scalar: it is called as function(x), with x a std::span<const Var<S>> of the inputs,
/// for S = double and S = DualDouble, and returns a Var<S> or a std::vector<Var<S>>. Throws whatever the function
/// throws, and std::invalid_argument if it returns something that is not finite. A gradient that is not finite fails.
///
///     gradcheck([](auto x) { return linear(x[0], x[1], x[2]); }, {{"x", {2, 3, 4}}, {"w", {5, 4}}, {"b", {5}}});
template <class Function>
GradcheckResult gradcheck(const Function& function, std::vector<CheckInput> inputs,
                          const GradcheckOptions& options = {}) {
  using namespace gradcheck_detail;
  return check_exactly([&](std::span<const Var<double>> x) { return as_list(function(x)); },
                       [&](std::span<const Var<DualDouble>> x) { return as_list(function(x)); }, std::move(inputs),
                       options);
}

}  // namespace qkv
