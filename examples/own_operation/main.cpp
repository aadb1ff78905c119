// Checks the operation of swish.h: its backward against exact derivatives of its forward pass.

#include <exception>
#include <fmt/format.h>
#include <string_view>

#include "qkv/autograd/gradcheck/gradcheck.h"
#include "swish.h"

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
  return result.passed ? 0 : 1;
} catch (const std::exception& error) {
  fmt::print(stderr, "own_operation: error: {}\n", error.what());
  return 1;
}
