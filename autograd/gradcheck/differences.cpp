#include "qkv/autograd/gradcheck/differences.h"

#include <array>
#include <limits>

#include "qkv/autograd/gradcheck/backward_pass.h"
#include "qkv/autograd/gradcheck/comparison.h"

namespace qkv {
namespace {

using gradcheck_detail::Outputs;
using gradcheck_detail::RealFunction;

constexpr std::array<double, 10> steps{1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10};

/// The function's values at inputs that may be moved.
class Forward {
 public:
  Forward(const RealFunction& function, std::vector<CheckInput> inputs)
      : function_(function), inputs_(std::move(inputs)) {}

  /// The outputs with this entry moved by `distance`, all in one list.
  std::vector<double> at(std::size_t input, std::size_t element, double distance) {
    tape_.rewind();
    const Recording recording(tape_);
    const NoGrad no_grad(tape_);
    double& x = inputs_[input].values[element];
    const double unmoved = x;
    x += distance;
    std::vector<Var<double>> vars;
    for (const CheckInput& in : inputs_) vars.push_back(tape_.constant(in.shape, in.values, in.name.c_str()));
    x = unmoved;
    std::vector<double> result;
    for (const Var<double>& y : function_(vars)) result.insert(result.end(), y.values().begin(), y.values().end());
    return result;
  }

 private:
  const RealFunction& function_;
  std::vector<CheckInput> inputs_;
  Tape<double> tape_;
};

/// The slopes of one entry at one step size.
struct Slopes {
  double step = 0;
  double left = 0, right = 0, central = 0;  ///< of φ
  double lowest = 0, highest = 0;           ///< Σ of the smaller, and of the larger, of the outputs' two slopes
};

Slopes slopes_at(Forward& forward, const std::vector<double>& y, const std::vector<double>& v, std::size_t input,
                 std::size_t element, double step) {
  const std::vector<double> after = forward.at(input, element, step), before = forward.at(input, element, -step);
  check(after.size() == y.size() && before.size() == y.size(),
        "difference_check: the function returns {} numbers, then {}", y.size(), after.size());
  Slopes slopes{.step = step};
  for (std::size_t i = 0; i < y.size(); ++i) {
    const double left = v[i] * (y[i] - before[i]) / step, right = v[i] * (after[i] - y[i]) / step;
    slopes.left += left;
    slopes.right += right;
    slopes.central += v[i] * (after[i] - before[i]) / (2 * step);
    slopes.lowest += std::min(left, right);
    slopes.highest += std::max(left, right);
  }
  return slopes;
}

/// Between smooth sides the two slopes approach each other with the step; at a kink their distance stays. It is looked
/// at where neither truncation nor round-off matters much, at the steps 10⁻⁴, 10⁻⁵ and 10⁻⁶.
bool is_kink(const std::vector<Slopes>& sweep, double tolerance, double scale) {
  const auto gap = [&](std::size_t k) { return sweep[k].highest - sweep[k].lowest; };
  const double smallest = std::min({gap(3), gap(4), gap(5)}), largest = std::max({gap(3), gap(4), gap(5)});
  return smallest > 10 * tolerance * scale && smallest > 0.5 * largest;
}

/// One entry: what the backward pass says, and what differences say.
struct Entry {
  std::size_t input = 0, element = 0;
  double gradient = 0;
  std::vector<Slopes> sweep;
};

}  // namespace

GradcheckResult difference_check(const RealFunction& function, std::vector<CheckInput> inputs,
                                 const DifferenceOptions& options) {
  inputs = with_values(std::move(inputs), options.seed);
  GradcheckResult result;
  gradcheck_detail::BackwardPass backward(function, inputs);
  Forward forward(function, inputs);

  Random random(options.seed);
  Outputs cotangent;
  std::vector<double> y, v;
  double magnitude = 0;  // Σ |vᵢ yᵢ|, which decides how much round-off there is
  for (const Var<double>& output : backward.outputs()) {
    std::vector<double>& part = cotangent.emplace_back();
    for (double value : output.values()) {
      y.push_back(value);
      v.push_back(part.emplace_back(random.normal()));
      magnitude += std::abs(v.back() * value);
    }
  }
  const std::vector<std::vector<double>> gradient = backward.transposed_jacobian_times(cotangent);

  std::vector<Entry> entries;
  double scale = 0;
  for (std::size_t i = 0; i < inputs.size(); ++i)
    for (std::size_t j = 0; j < inputs[i].values.size(); ++j) {
      Entry& entry = entries.emplace_back(Entry{i, j, gradient[i][j], {}});
      const double unit = std::max(1.0, std::abs(inputs[i].values[j]));
      for (double step : steps) entry.sweep.push_back(slopes_at(forward, y, v, i, j, step * unit));
      for (double b : {entry.gradient, entry.sweep[4].central})
        if (std::isfinite(b)) scale = std::max(scale, std::abs(b));
    }
  result.inputs = result.jacobian_entries = static_cast<std::int64_t>(entries.size());

  for (double step : steps) result.sweep.push_back({step, 0});
  std::vector<gradcheck_detail::Worst> worst(inputs.size());
  for (const Entry& entry : entries) {
    const CheckInput& input = inputs[entry.input];
    const std::vector<int> index = gradcheck_detail::index_of(entry.element, input.shape);
    const Slopes& fine = entry.sweep[4];
    const double slack = options.tolerance * scale;
    if (is_kink(entry.sweep, options.tolerance, scale)) {
      result.notes.push_back(
          fmt::format("kink at {}[{}]: the slope is {:.6g} on the left and {:.6g} on the right; the "
                      "backward pass says {:.6g}",
                      input.name, fmt::join(index, ", "), fine.left, fine.right, entry.gradient));
      if (entry.gradient >= fine.lowest - slack && entry.gradient <= fine.highest + slack) continue;
    }
    double best = std::numeric_limits<double>::infinity(), expected = fine.central;
    for (std::size_t k = 0; k < steps.size(); ++k) {
      const double central = entry.sweep[k].central;
      const double difference = gradcheck_detail::difference_of(entry.gradient, central);
      result.sweep[k].error = std::max(result.sweep[k].error, gradcheck_detail::relative(difference, scale));
      const double round_off = std::numeric_limits<double>::epsilon() * magnitude / entry.sweep[k].step;
      if (steps[k] < 1e-5 && round_off > slack) continue;
      if (difference < best) {
        best = difference;
        expected = central;
      }
    }
    if (best >= worst[entry.input].difference)
      worst[entry.input] = {best, {input.name, index, entry.gradient, expected, ""}};
  }
  gradcheck_detail::explain_partial_write(worst, backward.partial_write());
  gradcheck_detail::conclude(result, worst, scale, options.tolerance);
  return result;
}

}  // namespace qkv
