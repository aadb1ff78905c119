#include <fmt/format.h>

#include "qkv/autograd/ops.h"
#include "qkv/files/safetensors.h"
#include "qkv/layers/linear.h"

int main() {
  using namespace qkv;
  Tape<double> tape;
  const Recording recording(tape);
  const double three = 3;
  const Var<double> x = tape.variable({}, std::span(&three, 1));
  tape.backward(multiply(x, x));
  write_safetensors("gradient.safetensors",
                    std::vector{StoredTensor::of<double>("x", {}, std::span(x.grad().data, 1))});
  fmt::print("{}\n", SafetensorsFile::read("gradient.safetensors").tensor("x").as<double>().front());
}
