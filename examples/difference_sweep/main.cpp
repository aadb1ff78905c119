// A derivative by differences, with steps from large to small: first the step is too coarse, then digits are lost.

#include <cmath>
#include <fmt/format.h>
#include <string>

#include "qkv/autograd/gradcheck/differences.h"
#include "qkv/autograd/ops/softmax.h"

using namespace qkv;

int main() {
  const std::vector<CheckInput> inputs{{"x", {3, 5}}};
  const GradcheckResult differences = difference_check([](auto x) { return softmax(x[0]); }, inputs);
  fmt::print("step   error\n");
  for (const SweptStep& step : differences.sweep)
    fmt::print("{:.0e}  {:.0e}  {}\n", step.step, step.error,
               std::string(static_cast<std::size_t>(std::lround(3 * (std::log10(step.error) + 16))), '#'));
  const GradcheckResult exact = gradcheck([](auto x) { return softmax(x[0]); }, inputs);
  fmt::print("dual   {:.0e}\n", exact.error);
}
