#include "qkv/autograd/gradcheck/operation_check.h"

#include <algorithm>
#include <cmath>
#include <fmt/ranges.h>

#include "qkv/autograd/gradcheck/comparison.h"
#include "qkv/autograd/gradcheck/operation_step.h"
#include "qkv/autograd/gradcheck/tangents.h"

namespace qkv {

namespace gradcheck_detail {

namespace {

using Numbers = std::vector<double>;

class OperationCheck {
 public:
  OperationCheck(const RealFunction& in_double, const DualFunction& on_duals, std::vector<CheckInput> inputs,
                 const GradcheckOptions& options)
      : inputs_(with_values(std::move(inputs), options.seed)), options_(options), tangents_(on_duals, inputs_) {
    tape_.retain_all(true);
    tape_.on_partial_writes(Tape<double>::PartialWrites::ignored);  // run_apart finds them
    const Recording recording(tape_);
    std::vector<Var<double>> vars;
    for (const CheckInput& input : inputs_)
      vars.push_back(tape_.variable(input.shape, input.values, input.name.c_str()));
    outputs_ = in_double(std::span<const Var<double>>(vars));
    for (Node<double>* node = tape_.last_node(); node != nullptr; node = node->previous) nodes_.push_back(node);
    std::reverse(nodes_.begin(), nodes_.end());
  }

  OperationCheckResult operator()() {
    OperationCheckResult result;
    Random random(options_.seed);
    std::vector<Tangents::Outputs> operations;
    for (const Closure<double>* closure = tape_.last_closure(); closure != nullptr; closure = closure->previous) {
      Tangents::Outputs& outputs = operations.emplace_back();
      for (const Node<double>* output : outputs_of(closure)) outputs.push_back(output->index);
    }
    std::reverse(operations.begin(), operations.end());
    tangents_.run(operations, random);
    check_same_operations();
    std::vector<Numbers> cotangents;
    std::vector<Tape<double>::Seed> seeds;
    for (const Var<double>& output : outputs_) {
      Numbers& cotangent = cotangents.emplace_back();
      for (std::int64_t i = 0; i < output.size(); ++i) cotangent.push_back(random.normal());
      if (output.node()->needs_gradient) seeds.push_back({output, cotangent});
    }
    std::vector<OperationStep> wrong;
    tape_.backward(std::span<const Tape<double>::Seed>(seeds), [&](const Closure<double>* closure) {
      OperationStep step = look_at(closure);
      ++result.operations;
      const double error = error_of(step);
      result.error = std::max(result.error, error);
      if (error <= options_.tolerance && !step.overwritten) return;
      result.passed = false;
      if (wrong.size() < OperationCheckResult::most_wrong) wrong.push_back(std::move(step));
    });
    for (const OperationStep& step : wrong) result.wrong.push_back(found_in(step));
    return result;
  }

 private:
  void check_same_operations() const {
    bool same = nodes_.size() == tangents_.nodes().size();
    for (std::size_t i = 0; same && i < nodes_.size(); ++i)
      same = std::string_view(nodes_[i]->name) == tangents_.nodes()[i]->name &&
             nodes_[i]->shape == tangents_.nodes()[i]->shape;
    check(same,
          "gradcheck: the function does other operations on dual numbers than in double, so they cannot be compared");
  }

  /// Σ ⟨numbers, tangents⟩ in direction k; what is added up, in magnitude, is added to the scale.
  static double product(const Numbers& numbers, const DualDouble* value, int k, double& scale) {
    double sum = 0;
    for (std::size_t j = 0; j < numbers.size(); ++j) {
      const double part = numbers[j] * value[j].d[k];
      sum += part;
      scale += std::abs(part);
    }
    return sum;
  }

  /// Σ ⟨ȳ, ẏ⟩ over the operation's outputs.
  double forward_product(const OperationStep& step, int k, double& scale) const {
    double sum = 0;
    for (std::size_t i = 0; i < step.outputs.size(); ++i)
      sum += product(step.adjoints[i], tangents_.computed(step.outputs[i]), k, scale);
    return sum;
  }

  /// The largest |a − b| / s over the directions.
  double error_of(const OperationStep& step) const {
    double worst = 0;
    for (int k = 0; k < dual_directions; ++k) {
      double forward_scale = 0, backward_scale = 0;
      const double a = forward_product(step, k, forward_scale);
      double b = 0;
      for (std::size_t i = 0; i < step.parents.size(); ++i)
        b += product(step.contributions[i], tangents_.given(step.parents[i]), k, backward_scale);
      worst = std::max(worst, relative(difference_of(a, b), std::max(forward_scale, backward_scale)));
    }
    return worst;
  }

  WrongOperation found_in(const OperationStep& step) {
    const Node<double>* first = nodes_[step.outputs.front()];
    WrongOperation wrong{first->name, first->module == nullptr ? "" : first->module, "", {}, 0, 0, ""};
    Mismatch worst;
    double largest = 0;
    for (std::size_t i = 0; i < step.parents.size(); ++i) {
      const Numbers expected = expected_contribution(step, i);
      const Numbers& got = step.contributions[i];
      double difference = 0;
      std::size_t place = 0;
      for (std::size_t j = 0; j < got.size(); ++j)
        if (const double d = difference_of(got[j], expected[j]); d > difference) {
          difference = d;
          place = j;
        }
      const bool lost = step.overwritten == i;
      if (!lost && difference <= largest) continue;
      const Node<double>* parent = nodes_[step.parents[i]];
      wrong.input = name_of(step, *parent);
      wrong.index = lost ? std::vector<int>{} : index_of(place, parent->shape);
      wrong.got = got[place];
      wrong.expected = expected[place];
      wrong.diagnosis = lost ? "it overwrites what is in the gradient already instead of adding to it"
                             : diagnosis_of(got, expected, parent->shape);
      if (lost) break;
      largest = difference;
    }
    return wrong;
  }

  /// Jᵀ ȳ of one operation by one of its inputs, eight entries a pass.
  Numbers expected_contribution(const OperationStep& step, std::size_t parent) {
    Numbers expected;
    const std::int64_t size = nodes_[step.parents[parent]]->shape.size();
    for (std::int64_t first = 0; first < size; first += dual_directions) {
      tangents_.run_one(step.outputs.front(), step.parents, step.parents[parent],
                        [&](int k, std::int64_t element) { return element == first + k ? 1.0 : 0.0; });
      for (int k = 0; k < dual_directions && first + k < size; ++k) {
        double ignored = 0;
        expected.push_back(forward_product(step, k, ignored));
      }
    }
    return expected;
  }

  std::string diagnosis_of(const Numbers& got, const Numbers& expected, const Shape& shape) const {
    if (std::any_of(got.begin(), got.end(), [](double g) { return std::isnan(g); }))
      return "it does not assign all of the gradient, or what it assigns is not finite";
    return diagnose(got, expected, shape, {}, options_.sizes);
  }

  /// "input 1, encoder.layers.0.norm1.weight [4]"
  std::string name_of(const OperationStep& step, const Node<double>& parent) const {
    for (const std::int32_t output : step.outputs)
      for (std::int32_t p = 0; p < nodes_[output]->parent_count; ++p)
        if (nodes_[output]->parents[p] == &parent)
          return fmt::format("input {}, {}{} {}", p, parent.is_leaf ? "" : "the output of ", parent.name, parent.shape);
    return parent.name;
  }

  std::vector<CheckInput> inputs_;
  GradcheckOptions options_;
  Tangents tangents_;
  Tape<double> tape_;
  std::vector<Var<double>> outputs_;
  std::vector<Node<double>*> nodes_;
};

}  // namespace

OperationCheckResult check_operations(const RealFunction& in_double, const DualFunction& on_duals,
                                      std::vector<CheckInput> inputs, const GradcheckOptions& options) {
  return OperationCheck(in_double, on_duals, std::move(inputs), options)();
}

}  // namespace gradcheck_detail

std::string WrongOperation::message() const {
  std::string text = operation + (module.empty() ? "" : " in " + module) + ": gradient of " + input;
  if (!index.empty())
    text += fmt::format(", at [{}]: got {:.12g}, expected {:.12g}", fmt::join(index, ", "), got, expected);
  return diagnosis.empty() ? text : fmt::format("{} ({})", text, diagnosis);
}

std::string OperationCheckResult::message() const {
  if (passed) return fmt::format("{} operations, each exact to {:.1e}", operations, error);
  std::string text;
  for (const WrongOperation& one : wrong) text += (text.empty() ? "" : "; ") + one.message();
  return text;
}

}  // namespace qkv
