// Prints what a Transformer layer computes, its gradients, and its loss over some steps of gradient descent: one number
// a line. With a file of such numbers, by this program compiled otherwise: how far they are apart.

#include <cmath>
#include <fmt/format.h>
#include <fstream>
#include <string>
#include <vector>

#include "qkv/qkv.h"

using namespace qkv;

template <class T>
std::vector<T> random_numbers(std::int64_t count, std::uint64_t seed) {
  Random random(seed);
  std::vector<T> numbers(static_cast<std::size_t>(count));
  for (T& number : numbers) number = static_cast<T>(random.normal());
  return numbers;
}

template <class T>
void train(int sentences, int length, int width, std::vector<double>& result) {
  Parameters<T> parameters;
  const StackConfig config{.d_model = width, .heads = 2, .layers = 1, .ff = 4 * width};
  const EncoderLayer<T> layer(parameters.root() / "layer", config);
  parameters.initialise(1);
  const Shape shape{sentences, length, width};
  const std::vector<T> x = random_numbers<T>(shape.size(), 2), wanted = random_numbers<T>(shape.size(), 3);
  Tape<T> tape;
  for (int step = 0; step < 10; ++step) {
    tape.rewind();
    const Recording recording(tape);
    const Var<T> y = layer(tape.constant(shape, x), Mask::causal());
    const Var<T> difference = y - tape.constant(shape, wanted);
    const Var<T> loss = mean(multiply(difference, difference));
    tape.backward(loss);
    result.push_back(loss.item());
    if (step == 0) result.insert(result.end(), y.values().begin(), y.values().end());
    if (step == 0) result.insert(result.end(), parameters.gradients().begin(), parameters.gradients().end());
    for (std::size_t i = 0; i < parameters.size(); ++i)
      parameters.values()[i] -= static_cast<T>(0.1) * parameters.gradients()[i];
  }
}

int main(int argc, char** argv) {
  std::vector<double> numbers;
  train<float>(3, 7, 12, numbers);     // products small enough for qkv's own kernels
  train<float>(16, 32, 128, numbers);  // and for oneDNN
  train<double>(3, 7, 12, numbers);
  if (argc < 2) {
    for (const double number : numbers) fmt::print("{}\n", number);
    return 0;
  }
  std::ifstream file(argv[1]);
  double other = 0, most = 0;
  std::size_t count = 0;
  for (; count < numbers.size() && file >> other; ++count) {
    if (!std::isfinite(other)) break;
    most = std::max(most, std::abs(numbers[count] - other) / (1 + std::abs(other)));
  }
  const bool is_same = count == numbers.size() && most < 1e-5;  // 4.6e-7 were measured: sums in another order
  fmt::print("{} of {} numbers {}, up to {:.1e}\n", count, numbers.size(), is_same ? "are the same" : "differ", most);
  return is_same ? 0 : 1;
}
