// The tape: values forward, gradients backward, for a few scalars and for one matrix product.

#include <algorithm>
#include <fmt/format.h>
#include <string>
#include <vector>

#include "examples/print_matrix.h"
#include "qkv/autograd/ops.h"

using namespace qkv;

/// The whole tape, in the order in which the values were computed.
void print_tape(const Tape<double>& tape) {
  std::vector<Var<double>> vars;
  for (Node<double>* node = tape.last_node(); node != nullptr; node = node->previous) vars.emplace_back(node);
  std::reverse(vars.begin(), vars.end());
  fmt::print(" #  made by    from    value  gradient\n");
  for (const Var<double>& var : vars) {
    std::string parents;
    for (int i = 0; i < var.node()->parent_count; ++i)
      parents += fmt::format("{}{}", i == 0 ? "" : " ", var.node()->parents[i]->index);
    fmt::print("{:>2}  {:<9}  {:<5} {:>7.3f} {:>9.3f}\n", var.node()->index, var.name(), parents, var.item(),
               var.grad()(0, 0));
  }
}

/// The same as a graph: a value, and below it what it was computed from. A value that is used twice stands in both
/// places, with the one gradient that it has.
void print_graph(Node<double>* node, const std::string& branch = "", const std::string& stem = "") {
  const Var<double> var(node);
  fmt::print("{:<21} {:>7.3f} {:>9.3f}\n", branch + var.name(), var.item(), var.grad()(0, 0));
  for (int i = 0; i < node->parent_count; ++i) {
    const bool is_last = i + 1 == node->parent_count;
    print_graph(node->parents[i], stem + (is_last ? "└─ " : "├─ "), stem + (is_last ? "   " : "│  "));
  }
}

void scalars() {
  Tape<double> tape;
  const Recording recording(tape);
  tape.retain_all(true);  // keep the gradients between input and output too, to look at them
  const double values[] = {2, -3, 10};
  const Var<double> a = tape.variable({}, std::span(values, 1), "a");
  const Var<double> b = tape.variable({}, std::span(values + 1, 1), "b");
  const Var<double> c = tape.variable({}, std::span(values + 2, 1), "c");
  const Var<double> d = a * b + c;
  const Var<double> y = tanh(scale(d * a, 0.1));
  tape.backward(y);
  print_tape(tape);
  fmt::print("\nthe graph               value  gradient\n");
  print_graph(y.node());
}

void matrices() {
  Tape<double> tape;
  const Recording recording(tape);
  const std::vector<double> x_values{1, 2, 3, 4, 5, 6}, w_values{1, 0, -1, 2, 1, 0};
  const Var<double> x = tape.variable({2, 3}, x_values, "x");
  const Var<double> w = tape.variable({2, 3}, w_values, "w");
  const Var<double> y = linear(x, w);
  const std::vector<double> dy{1, 0, 2, 10};  // the gradient that flows into y; not symmetric, so that dyᵀ is not dy
  tape.backward(y, dy);
  print_matrix("y", y.rows(), 0);
  print_matrix("dx", x.grad(), 0);
  print_matrix("dw", w.grad(), 0);
}

int main() {
  scalars();
  fmt::print("\n");
  matrices();
}
