// Softmax and cross-entropy: the gradients by hand, next to those of the tape.

#include <cmath>
#include <fmt/format.h>
#include <string>
#include <vector>

#include "examples/print_matrix.h"
#include "qkv/autograd/ops.h"

using namespace qkv;

/// A number from −1 to 1 as a bar that begins at the middle line.
std::string bar(double number) {
  const auto length = static_cast<std::size_t>(std::lround(16 * std::abs(number)));
  const std::string marks(length, '#');
  return number < 0 ? fmt::format("{:>16}│", marks) : fmt::format("{:>16}│{}", "", marks);
}

int main() {
  const std::vector<double> z{2, 1, 0, -1};
  const int target = 1;

  // p = softmax(z), written out.
  std::vector<double> p;
  double sum = 0;
  for (const double zi : z) sum += std::exp(zi);
  for (const double zi : z) p.push_back(std::exp(zi) / sum);
  print_matrix("p", View<double>{p.data(), 1, 4, 4}, 4);

  // Its Jacobian: ∂pᵢ/∂zⱼ = pᵢ (δᵢⱼ − pⱼ).
  std::vector<double> jacobian;
  for (int i = 0; i < 4; ++i)
    for (int j = 0; j < 4; ++j) jacobian.push_back(p[i] * ((i == j ? 1 : 0) - p[j]));
  print_matrix("by hand", View<double>{jacobian.data(), 4, 4, 4}, 4);

  // The tape gives the Jacobian row by row: row i is the gradient when 1 flows into pᵢ and 0 into the others.
  std::vector<double> from_tape;
  for (int i = 0; i < 4; ++i) {
    Tape<double> tape;
    const Recording recording(tape);
    const Var<double> x = tape.variable({4}, z, "z");
    std::vector<double> seed(4, 0.0);
    seed[i] = 1;
    tape.backward(softmax(x), seed);
    from_tape.insert(from_tape.end(), x.grad().data, x.grad().data + 4);
  }
  print_matrix("tape", View<double>{from_tape.data(), 4, 4, 4}, 4);

  // Cross-entropy: L = −log p[target], and dL/dz = p − q with q = 1 at the target.
  Tape<double> tape;
  const Recording recording(tape);
  const Var<double> x = tape.variable({1, 4}, z, "z");
  const Var<double> loss = cross_entropy(x, std::span(&target, 1));
  tape.backward(loss);
  std::vector<double> p_minus_q = p;
  p_minus_q[target] -= 1;
  fmt::print("L          {:.4f} by hand, {:.4f} from the tape\n", -std::log(p[target]), loss.item());
  print_matrix("p - q", View<double>{p_minus_q.data(), 1, 4, 4}, 4);
  print_matrix("dz, tape", x.grad(), 4);

  fmt::print("\nword  p                 q                 p - q\n");
  for (int i = 0; i < 4; ++i) {
    const std::string believed(static_cast<std::size_t>(std::lround(16 * p[i])), '#');
    const std::string right(i == target ? 16 : 0, '#');
    fmt::print("{:>4}  {:<16}  {:<16}  {}\n", i + 1, believed, right, bar(p_minus_q[i]));
  }
}
