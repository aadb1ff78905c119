#pragma once

#include <string>
#include <utility>
#include <vector>

#include "qkv/autograd/gradcheck/operation_check.h"
#include "qkv/layers/parameters.h"

namespace qkv {

/// Inputs of a gradient check for these parameters, with the numbers that training begins with, moved a little, since
/// many of those are 0 or 1.
inline std::vector<CheckInput> inputs_for(Parameters<double>& parameters, std::uint64_t seed) {
  parameters.initialise(seed);
  Random random(seed + 1);
  std::vector<CheckInput> inputs;
  for (std::size_t i = 0; i < parameters.entries().size(); ++i) {
    const Parameters<double>::Entry& entry = parameters.entries()[i];
    CheckInput& input = inputs.emplace_back(CheckInput{entry.name, entry.shape});
    for (const double value : parameters.values(i)) input.values.push_back(value + 0.3 * random.normal());
  }
  return inputs;
}

/// A function of inputs and of the parameters of `in_double` and `on_duals`, the same layer or model in both scalars:
/// apply(layer, x), with x the inputs, followed by one Var for each parameter.
template <class InDouble, class OnDuals, class Apply>
auto function_of_parameters(InDouble& in_double, OnDuals& on_duals, std::size_t inputs, const Apply& apply) {
  return [&in_double, &on_duals, inputs, apply]<class S>(std::span<const Var<S>> x) {
    const auto bound = [&](auto& made) {
      made.parameters().bind(x.subspan(inputs));
      return apply(made.layer(), x.first(inputs));
    };
    if constexpr (std::is_same_v<S, double>)
      return bound(in_double);
    else
      return bound(on_duals);
  };
}

/// The exact check; where a whole is wrong, followed by the check of each operation in it, which names the one.
template <class Function>
GradcheckResult gradcheck_whole(const Function& function, std::vector<CheckInput> inputs,
                                const GradcheckOptions& options) {
  using namespace gradcheck_detail;
  const RealFunction in_double = [&](std::span<const Var<double>> x) { return as_list(function(x)); };
  const DualFunction on_duals = [&](std::span<const Var<DualDouble>> x) { return as_list(function(x)); };
  GradcheckResult result = check_exactly(in_double, on_duals, inputs, options);
  if (result.passed) return result;
  const OperationCheckResult operations = check_operations(in_double, on_duals, std::move(inputs), options);
  result.notes.push_back(operations.passed ? "every operation in it is right by itself"
                                           : "the wrong operation: " + operations.message());
  return result;
}

/// A layer of one's own in one scalar, made once; its parameters are whatever Vars they are bound to last.
template <class S, class Make>
class CheckedLayer {
 public:
  explicit CheckedLayer(const Make& make) : layer_(make(parameters_.root())) {}
  Parameters<S>& parameters() { return parameters_; }
  const auto& layer() const { return layer_; }

 private:
  using Made = decltype(std::declval<const Make&>()(std::declval<Path<S>>()));
  Parameters<S> parameters_;
  Made layer_;
};

/// Checks a layer or a model exactly, by all its parameters and inputs: make(path) makes it, for any scalar, and
/// apply(layer, x) uses it on the inputs x, a span of Vars.
///
///     gradcheck_layer([](const auto& path) { return Linear(path, 4, 3); },
///                     [](const auto& layer, auto x) { return layer(x[0]); }, {{"x", {2, 4}}});
///
/// Of a wrong one, `notes` names the operation, its module, the input and the entry (see gradcheck_operations).
/// Throws as `gradcheck` does.
template <class Make, class Apply>
GradcheckResult gradcheck_layer(const Make& make, const Apply& apply, const std::vector<CheckInput>& inputs,
                                const GradcheckOptions& options = {}) {
  CheckedLayer<double, Make> in_double(make);
  CheckedLayer<DualDouble, Make> on_duals(make);
  std::vector<CheckInput> all = inputs;
  for (CheckInput& input : inputs_for(in_double.parameters(), options.seed)) all.push_back(std::move(input));
  return gradcheck_whole(function_of_parameters(in_double, on_duals, inputs.size(), apply), std::move(all), options);
}

/// The same for an architecture as Model takes it, whose function takes its inputs one by one, at most four.
///
///     gradcheck_model<Mlp>({{"x", {4, 2}}});
///
/// `arguments` are what its constructor takes after the path.
template <template <class> class Architecture, class... Arguments>
GradcheckResult gradcheck_model(const std::vector<CheckInput>& inputs, const GradcheckOptions& options = {},
                                const Arguments&... arguments) {
  check(!inputs.empty() && inputs.size() <= 4, "gradcheck_model: {} inputs; there may be one to four", inputs.size());
  const auto make = [&]<class S>(const Path<S>& path) { return Architecture<S>(path, arguments...); };
  const auto apply = []<class Layer, class S>(const Layer& layer, std::span<const Var<S>> x) {
    if constexpr (requires { layer(x[0]); }) {
      if (x.size() == 1) return layer(x[0]);
    }
    if constexpr (requires { layer(x[0], x[1]); }) {
      if (x.size() == 2) return layer(x[0], x[1]);
    }
    if constexpr (requires { layer(x[0], x[1], x[2]); }) {
      if (x.size() == 3) return layer(x[0], x[1], x[2]);
    }
    if constexpr (requires { layer(x[0], x[1], x[2], x[3]); }) {
      if (x.size() == 4) return layer(x[0], x[1], x[2], x[3]);
    }
    throw std::invalid_argument(fmt::format("gradcheck_model: the model's function does not take {} values", x.size()));
  };
  return gradcheck_layer(make, apply, inputs, options);
}

}  // namespace qkv
