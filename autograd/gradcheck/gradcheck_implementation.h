#pragma once

// The definitions behind gradcheck.h, read after it.

#include "qkv/autograd/attention_record.h"
#include "qkv/autograd/gradcheck/gradcheck.h"

namespace qkv::gradcheck_detail {

template <class S>
std::vector<Var<S>> as_list(Var<S> output) {
  return {output};
}
template <class S>
std::vector<Var<S>> as_list(std::vector<Var<S>> outputs) {
  return outputs;
}

/// Numbers for every output, one list for each.
using Outputs = std::vector<std::vector<double>>;

/// The function recorded in double, ready to be differentiated backwards as often as needed.
template <class Function>
class BackwardPass {
 public:
  BackwardPass(const Function& function, const std::vector<CheckInput>& inputs) {
    tape_.on_partial_writes(Tape<double>::PartialWrites::noted);
    Recording<double> recording(tape_);
    for (const CheckInput& input : inputs)
      inputs_.push_back(tape_.variable(input.shape, input.values, input.name.c_str()));
    outputs_ = as_list(function(std::span<const Var<double>>(inputs_)));
    for (const Var<double>& output : outputs_)
      for (double y : output.values())
        check(std::isfinite(y), "gradcheck: the function returns {}; nothing can be compared", y);
  }

  const std::vector<Var<double>>& outputs() const { return outputs_; }

  /// Jᵀ v, for every input.
  std::vector<std::vector<double>> transposed_jacobian_times(const Outputs& v) { return gradients_for(v, {}); }

  /// Whether what is in this input's gradient already is still in it after the backward pass for v, which gives
  /// `gradient` alone.
  bool accumulates(std::size_t input, const Outputs& v, const std::vector<double>& gradient) {
    double before = 1;
    for (double g : gradient) before = std::max(before, std::abs(g));
    const std::vector<double> already(gradient.size(), before);
    const std::vector<double> sum = gradients_for(v, {{inputs_[input], already}})[input];
    for (std::size_t i = 0; i < sum.size(); ++i)
      if (std::abs(sum[i] - (gradient[i] + before)) > 1e-9 * before) return false;
    return true;
  }

  /// What the tape said about a gradient that an operation did not assign in full; see Tape::partial_write.
  const std::string& partial_write() const { return partial_write_; }

  std::string why_zero(std::size_t input) const { return why_gradient_is_zero(tape_, inputs_[input]); }

  /// How often the function used each input.
  std::vector<int> uses() const {
    std::vector<int> counts(inputs_.size());
    for (const Node<double>* node = tape_.last_node(); node != nullptr; node = node->previous)
      for (int p = 0; p < node->parent_count; ++p)
        for (std::size_t i = 0; i < inputs_.size(); ++i)
          if (node->parents[p] == inputs_[i].node()) ++counts[i];
    return counts;
  }

 private:
  std::vector<std::vector<double>> gradients_for(const Outputs& v, std::vector<Tape<double>::Seed> seeds) {
    for (std::size_t k = 0; k < outputs_.size(); ++k)
      if (outputs_[k].node()->needs_gradient) seeds.push_back({outputs_[k], v[k]});
    tape_.clear_gradients();
    tape_.backward(std::span<const Tape<double>::Seed>(seeds));
    if (partial_write_.empty()) partial_write_ = tape_.partial_write();
    std::vector<std::vector<double>> gradients;
    for (const Var<double>& input : inputs_) {
      const View<double> gradient = input.grad();
      gradients.emplace_back(gradient.data, gradient.data + input.size());
    }
    return gradients;
  }

  Tape<double> tape_;
  std::string partial_write_;
  std::vector<Var<double>> inputs_;
  std::vector<Var<double>> outputs_;
};

/// J u for up to eight directions u at once. A direction assigns a number to every element of every input.
template <class Function>
class ForwardPass {
 public:
  ForwardPass(const Function& function, const std::vector<CheckInput>& inputs) : function_(function), inputs_(inputs) {}

  /// direction(k, input, element) for k < count; the result is indexed [k][output][element].
  template <class Direction>
  std::vector<Outputs> jacobian_times(int count, Direction direction) {
    tape_.rewind();
    Recording<DualDouble> recording(tape_);
    NoGrad<DualDouble> no_grad(tape_);
    std::vector<Var<DualDouble>> vars;
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      std::vector<DualDouble> values(inputs_[i].values.begin(), inputs_[i].values.end());
      for (std::size_t j = 0; j < values.size(); ++j)
        for (int k = 0; k < count; ++k) values[j].d[k] = direction(k, i, j);
      vars.push_back(tape_.constant(inputs_[i].shape, values, inputs_[i].name.c_str()));
    }
    const auto outputs = as_list(function_(std::span<const Var<DualDouble>>(vars)));
    std::vector<Outputs> result(count);
    for (std::size_t k = 0; k < result.size(); ++k)
      for (const Var<DualDouble>& output : outputs) {
        std::vector<double>& column = result[k].emplace_back();
        for (const DualDouble& y : output.values()) column.push_back(y.d[k]);
      }
    return result;
  }

 private:
  const Function& function_;
  const std::vector<CheckInput>& inputs_;
  Tape<DualDouble> tape_;
};

/// The entries of one input that differ most are what a message names.
struct Worst {
  double difference = 0;
  Mismatch mismatch;
};

/// |a − b|; infinite if a or b is NaN or infinite, so that it is never taken for agreement.
double difference_of(double a, double b);

/// difference / scale, 0 where nothing differs.
double relative(double difference, double scale);

std::vector<int> index_of(std::size_t element, const Shape& shape);
/// Σ a b; Σ |a b| is added to the magnitude if it is finite.
double dot(const Outputs& a, const Outputs& b, double& magnitude);
/// Whatever else the numbers look like, where they are not finite a partial write is the cause.
void explain_partial_write(std::vector<Worst>& worst, const std::string& partial_write);
void conclude(GradcheckResult& result, std::vector<Worst>& worst, double scale, double tolerance);

}  // namespace qkv::gradcheck_detail

namespace qkv {

template <class Function>
GradcheckResult gradcheck(const Function& function, std::vector<CheckInput> inputs, const GradcheckOptions& options) {
  using namespace gradcheck_detail;
  inputs = with_values(std::move(inputs), options.seed);
  GradcheckResult result;
  for (const CheckInput& input : inputs) result.inputs += input.shape.size();
  BackwardPass<Function> backward(function, inputs);
  ForwardPass<Function> forward(function, inputs);
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

}  // namespace qkv
