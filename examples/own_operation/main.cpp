// Checks the operation of swish.h: its backward against exact derivatives of its forward pass, alone and in a model.

#include <exception>
#include <fmt/format.h>
#include <string_view>

#include "qkv/layers/gradcheck_model.h"
#include "qkv/layers/linear.h"
#include "swish.h"

/// Two layers with the operation between them; with the wrong one if `wrong`.
template <class T>
struct Network {
  Network(const qkv::Path<T>& path, bool wrong)
      : inner(path / "inner", 3, 4), outer(path / "outer", 4, 2), is_wrong(wrong) {}
  qkv::Var<T> operator()(qkv::Var<T> x) const { return outer(is_wrong ? wrong_swish(inner(x)) : swish(inner(x))); }
  qkv::Linear<T> inner, outer;
  bool is_wrong;
};

int main(int argc, char** argv) try {
  const bool wrong = argc == 2 && std::string_view(argv[1]) == "--wrong";
  if (argc > 1 && !wrong) {
    fmt::print(stderr, "usage: own_operation [--wrong]\n");
    return 2;
  }
  const std::vector<qkv::CheckInput> inputs{{"x", {2, 3}, {-3, -1, -0.5, 0.5, 1, 2}}};
  const qkv::GradcheckResult result = wrong ? qkv::gradcheck([](auto x) { return wrong_swish(x[0]); }, inputs)
                                            : qkv::gradcheck([](auto x) { return swish(x[0]); }, inputs);
  fmt::print("{}: {} numbers, {} entries of the Jacobian: {}\n", wrong ? "wrong_swish" : "swish", result.inputs,
             result.jacobian_entries, result.message());
  const qkv::GradcheckResult model = qkv::gradcheck_model<Network>({{"x", {2, 3}}}, {}, wrong);
  fmt::print("in a model: {}\n", model.passed ? model.message() : model.notes.front());
  return result.passed ? 0 : 1;
} catch (const std::exception& error) {
  fmt::print(stderr, "own_operation: error: {}\n", error.what());
  return 1;
}
