// Self-attention in five steps, on three words of four features, with every intermediate number, and backwards.

#include <algorithm>
#include <fmt/format.h>
#include <vector>

#include "examples/print_matrix.h"
#include "qkv/layers/self_attention.h"

using namespace qkv;

int main() {
  Parameters<double> parameters;
  const SelfAttention<double> self_attention(parameters.root(), 4);
  const SelfAttention<double> unscaled(parameters.root() / "unscaled", 4, false);
  const std::vector<std::vector<double>> weights{{1, 0, 0, 0, 0, 0, 1, 1, 0, 1, 0, 0, 0, 0, 0, 0},  // query: [out, in]
                                                 {0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 1},  // key
                                                 {0, 1, 0, 0, 0, 0, 1, -1, 1, 0, 0, 0, 0, 0, 0, 1}};  // value
  for (std::size_t i = 0; i < parameters.entries().size(); ++i)  // a weight and a bias for each, twice; biases stay 0
    if (i % 2 == 0) std::copy(weights[i / 2 % 3].begin(), weights[i / 2 % 3].end(), parameters.values(i).begin());

  Tape<double> tape;
  const Recording recording(tape);
  tape.retain_all(true);
  const std::vector<double> embeddings{1, 0, 1, 0, 0, 2, 0, 2, 1, 1, 1, 1};
  const Var<double> x = tape.variable({1, 3, 4}, embeddings, "x");

  const auto steps = self_attention.steps(x);
  print_matrix("1 x", x.rows(), 0);
  print_matrix("2 queries", steps.queries.rows(), 0);
  print_matrix("  keys", steps.keys.rows(), 0);
  print_matrix("  values", steps.values.rows(), 0);
  print_matrix("3 scores", steps.scores.rows(), 1);
  print_matrix("4 weights", steps.weights.rows());
  print_matrix("5 output", steps.output.rows());
  fmt::print("\nwithout the scale\n");
  print_matrix("4 weights", unscaled.steps(x).weights.rows());

  const std::vector<double> dy{1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};  // only the first feature of the first word counts
  tape.backward(steps.output, dy);
  fmt::print("\nbackwards\n");
  print_matrix("5 dvalues", steps.values.grad());
  print_matrix("  dweights", steps.weights.grad());
  print_matrix("4 dscores", steps.scores.grad());
  print_matrix("3 dqueries", steps.queries.grad());
  print_matrix("  dkeys", steps.keys.grad());
  const auto weight_gradient = [&](std::size_t i) {  // of the query's, key's and value's weights, [out, in]
    return View<double>{parameters.gradients(2 * i).data(), 4, 4, 4};
  };
  print_matrix("2 dW_Q", weight_gradient(0));
  print_matrix("  dW_K", weight_gradient(1));
  print_matrix("  dW_V", weight_gradient(2));
  print_matrix("1 dx", x.grad());
}
