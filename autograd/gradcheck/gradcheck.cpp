#include "qkv/autograd/gradcheck/gradcheck.h"

#include <algorithm>
#include <cmath>

#include "qkv/autograd/gradcheck/backward_pass.h"
#include "qkv/autograd/gradcheck/comparison.h"
#include "qkv/autograd/gradcheck/moving_input.h"

namespace qkv {

std::vector<CheckInput> with_values(std::vector<CheckInput> inputs, std::uint64_t seed) {
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    auto& [name, shape, values] = inputs[i];
    const auto size = static_cast<std::size_t>(shape.size());
    if (values.empty()) {
      Random random(mix64(seed) + i);
      while (values.size() < size) values.push_back(random.normal());
    }
    check(values.size() == size, "gradcheck: {} numbers do not fit input {} of shape {}", values.size(), name, shape);
  }
  return inputs;
}

std::string GradcheckResult::message() const {
  if (passed) return fmt::format("{} to {:.1e}", sweep.empty() ? "exact" : "agrees", error);
  std::string text;
  for (const auto& [input, index, got, expected, diagnosis] : mismatches) {
    text += fmt::format("{}gradient of {}[{}]: got {:.12g}, expected {:.12g}", text.empty() ? "" : "; ", input,
                        fmt::join(index, ", "), got, expected);
    if (!diagnosis.empty()) text += fmt::format(" ({})", diagnosis);
  }
  return text.empty() ? fmt::format("the products ⟨v, J u⟩ and ⟨Jᵀ v, u⟩ differ by {:.1e}", error) : text;
}

namespace gradcheck_detail {
namespace {

/// J u for up to eight directions u at once. A direction assigns a number to every element of every input.
class ForwardPass {
 public:
  ForwardPass(const DualFunction& function, const std::vector<CheckInput>& inputs)
      : function_(function), inputs_(inputs) {}

  /// direction(k, input, element) for k < count; the result is indexed [k][output][element].
  template <class Direction>
  std::vector<Outputs> jacobian_times(int count, Direction direction) {
    tape_.rewind();
    Recording<DualDouble> recording(tape_);
    NoGrad<DualDouble> no_grad(tape_);
    std::vector<Var<DualDouble>> vars;
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      const auto numbers = moving(inputs_[i], count, [&](int k, std::size_t j) { return direction(k, i, j); });
      vars.push_back(tape_.constant(inputs_[i].shape, numbers, inputs_[i].name.c_str()));
    }
    const auto outputs = function_(vars);
    std::vector<Outputs> result(count);
    for (std::size_t k = 0; k < result.size(); ++k)
      for (const Var<DualDouble>& output : outputs) {
        std::vector<double>& column = result[k].emplace_back();
        for (const DualDouble& y : output.values()) column.push_back(y.d[k]);
      }
    return result;
  }

 private:
  const DualFunction& function_;
  const std::vector<CheckInput>& inputs_;
  Tape<DualDouble> tape_;
};

}  // namespace

GradcheckResult check_exactly(const RealFunction& in_double, const DualFunction& on_duals,
                              std::vector<CheckInput> inputs, const GradcheckOptions& options) {
  inputs = with_values(std::move(inputs), options.seed);
  GradcheckResult result;
  for (const CheckInput& input : inputs) result.inputs += input.shape.size();
  BackwardPass backward(in_double, inputs);
  ForwardPass forward(on_duals, inputs);
  Random random(options.seed);

  Outputs v;
  std::int64_t output_size = 0;
  for (const Var<double>& output : backward.outputs()) {
    output_size += output.size();
    std::vector<double>& cotangent = v.emplace_back();
    for (std::int64_t i = 0; i < output.size(); ++i) cotangent.push_back(random.normal());
  }
  std::vector<std::vector<double>> u;
  for (const CheckInput& input : inputs) {
    std::vector<double>& direction = u.emplace_back();
    for (std::size_t j = 0; j < input.values.size(); ++j) direction.push_back(random.normal());
  }

  // One random direction per input: a = ⟨v, J u⟩, b = ⟨Jᵀ v, u⟩.
  const std::vector<std::vector<double>> gradient = backward.transposed_jacobian_times(v);
  std::vector<double> differences(inputs.size());
  double forward_scale = 0, backward_scale = 0;
  for (std::size_t first = 0; first < inputs.size(); first += dual_directions) {
    const int count = static_cast<int>(std::min<std::size_t>(dual_directions, inputs.size() - first));
    const auto ju = forward.jacobian_times(count, [&](int k, std::size_t input, std::size_t element) {
      return input == first + k ? u[input][element] : 0.0;
    });
    for (std::size_t k = 0; k < ju.size(); ++k) {
      const double a = dot(v, ju[k], forward_scale);
      const double b = dot({gradient[first + k]}, {u[first + k]}, backward_scale);
      differences[first + k] = difference_of(a, b);
    }
  }
  const double scale = std::max(forward_scale, backward_scale);
  bool directions_agree = true;
  for (double difference : differences) {
    result.error = std::max(result.error, relative(difference, scale));
    directions_agree = directions_agree && difference <= options.tolerance * scale;
  }

  // Entry by entry: the whole Jacobian of a small function; of a large one that is wrong, Jᵀ v, to find the place.
  const bool whole = result.inputs * output_size <= options.largest_jacobian;
  if (!whole && directions_agree) return result;
  std::vector<Outputs> rows;                                    // cotangents: unit vectors, or v
  std::vector<std::vector<std::vector<double>>> backward_rows;  // [row][input][element]
  if (whole) {
    Outputs unit = v;
    for (auto& output : unit) std::fill(output.begin(), output.end(), 0.0);
    for (std::size_t k = 0; k < unit.size(); ++k)
      for (std::size_t i = 0; i < unit[k].size(); ++i) {
        unit[k][i] = 1;
        rows.push_back(unit);
        unit[k][i] = 0;
      }
    result.jacobian_entries = result.inputs * output_size;
  } else {
    rows.push_back(v);
  }
  for (const Outputs& row : rows) backward_rows.push_back(backward.transposed_jacobian_times(row));
  std::vector<Worst> worst(inputs.size());
  std::vector<std::vector<double>> expected_gradient(inputs.size());  // Jᵀ v, from the forward pass
  std::vector<double> largest_of(inputs.size());                      // the largest |entry| by each input
  for (std::size_t input = 0; input < inputs.size(); ++input) {
    const std::size_t size = inputs[input].values.size();
    for (std::size_t first = 0; first < size; first += dual_directions) {
      const int count = static_cast<int>(std::min<std::size_t>(dual_directions, size - first));
      const auto columns = forward.jacobian_times(count, [&](int k, std::size_t i, std::size_t element) {
        return i == input && element == first + k ? 1.0 : 0.0;
      });
      for (std::size_t k = 0; k < columns.size(); ++k) {
        std::size_t row = 0;
        const auto compare = [&](double expected) {
          const double got = backward_rows[row++][input][first + k];
          const double difference = difference_of(got, expected);
          if (std::isfinite(difference))
            largest_of[input] = std::max({largest_of[input], std::abs(expected), std::abs(got)});
          if (difference > worst[input].difference)
            worst[input] = {difference,
                            {inputs[input].name, index_of(first + k, inputs[input].shape), got, expected, ""}};
        };
        double ignored = 0;
        expected_gradient[input].push_back(dot(v, columns[k], ignored));
        if (!whole) {
          compare(expected_gradient[input].back());
          continue;
        }
        for (const auto& output : columns[k])
          for (double entry : output) compare(entry);
      }
    }
  }
  const double largest = largest_of.empty() ? 0 : *std::max_element(largest_of.begin(), largest_of.end());
  for (std::size_t i = 0; whole && i < inputs.size(); ++i)
    if (largest_of[i] <= options.tolerance * largest)
      result.zero_gradients.push_back({inputs[i].name, backward.why_zero(i)});
  const std::vector<int> uses = backward.uses();
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (worst[i].difference > options.tolerance * largest)
      worst[i].mismatch.diagnosis = diagnose(gradient[i], expected_gradient[i], inputs[i].shape,
                                             {uses[i], backward.accumulates(i, v, gradient[i])}, options.sizes);
  explain_partial_write(worst, backward.partial_write());
  conclude(result, worst, largest, options.tolerance);
  result.passed = result.passed && directions_agree;
  return result;
}

}  // namespace gradcheck_detail

}  // namespace qkv
