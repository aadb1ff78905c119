#pragma once

#include <functional>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

#include "qkv/autograd/gradcheck/gradcheck.h"

namespace qkv {

/// A function of Vars that is generic in the scalar, such as `[](auto x) { return linear(x[0], x[1], x[2]); }`, kept
/// behind one type so that many of them fit into a table: it is compiled for float, double and DualDouble.
class GenericFunction {
 public:
  /// function(x), with x a std::span<const Var<S>> of the inputs, returns a Var<S> or several in a std::vector.
  template <class Function>
  GenericFunction(Function function)  // NOLINT(google-explicit-constructor): a table is written with lambdas
      : forms_(form<float>(function), form<double>(function), form<DualDouble>(function)) {}

  template <class S>
  std::vector<Var<S>> operator()(std::span<const Var<S>> x) const {
    return std::get<Form<S>>(forms_)(x);
  }

 private:
  template <class S>
  using Form = std::function<std::vector<Var<S>>(std::span<const Var<S>>)>;

  template <class S, class Function>
  static Form<S> form(Function function) {
    return [function](std::span<const Var<S>> x) { return gradcheck_detail::as_list(function(x)); };
  }

  std::tuple<Form<float>, Form<double>, Form<DualDouble>> forms_;
};

}  // namespace qkv
