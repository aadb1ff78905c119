#include "qkv/autograd/gradcheck/operation_check.h"

#include <array>
#include <fmt/ranges.h>
#include <limits>
#include <optional>

namespace qkv {

namespace gradcheck_detail {

namespace {

using Numbers = std::vector<double>;
constexpr auto not_a_number = std::numeric_limits<double>::quiet_NaN();

/// The forward pass on duals, in which every operation gets tangents that do not depend on the others.
class Tangents : private Tape<DualDouble>::NodeWatch {
 public:
  /// The outputs of an operation, by the indices of their nodes.
  using Outputs = std::vector<std::int32_t>;

  Tangents(const DualFunction& function, const std::vector<CheckInput>& inputs) : function_(function), inputs_(inputs) {
    tape_.watch(this);
  }

  /// Runs it with random tangents of the inputs, and of what each of these operations returns, in the order in which
  /// they were recorded. So a tangent that happens to be 0, or to lie where a fault does not show, hides nothing.
  void run(const std::vector<Outputs>& operations, Random& random) {
    const auto tangent = [&] { return random.normal(); };
    next_ = 0;
    before_ = [&](std::int32_t index) {
      // An operation is done when a node is made that is none of its outputs.
      while (next_ < operations.size() && operations[next_].back() < index) {
        for (const std::int32_t output : operations[next_]) {
          Node<DualDouble>* node = node_before(output);
          computed_.resize(std::max<std::size_t>(computed_.size(), output + 1));
          computed_[output].assign(node->value, node->value + node->shape.size());
          for (std::int64_t j = 0; j < node->shape.size(); ++j)
            for (double& d : node->value[j].d) d = tangent();
        }
        ++next_;
      }
    };
    record([&](int, std::size_t, std::size_t) { return tangent(); });
    before_(std::numeric_limits<std::int32_t>::max());  // the last ones
  }

  /// Runs it with tangents for the inputs of one operation alone, whose first output has this index: entry `element` of
  /// `parent` moves in direction k by tangent(k, element), and the other inputs do not.
  template <class Tangent>
  void run_one(std::int32_t output, std::span<const std::int32_t> parents, std::int32_t parent, Tangent tangent) {
    before_ = [&](std::int32_t index) {
      if (index != output) return;
      for (const std::int32_t other : parents) {
        Node<DualDouble>* node = node_before(other);
        for (std::int64_t j = 0; j < node->shape.size(); ++j)
          for (int k = 0; k < dual_directions; ++k) node->value[j].d[k] = other == parent ? tangent(k, j) : 0.0;
      }
    };
    // An input of the whole function moves from the start, because copies of it may be made before the operation.
    record([&](int k, std::size_t i, std::size_t j) {
      return static_cast<std::int32_t>(i) == parent ? tangent(k, static_cast<std::int64_t>(j)) : 0.0;
    });
  }

  const std::vector<Node<DualDouble>*>& nodes() const { return nodes_; }

  /// What an operation computed, and what the others got from it.
  const DualDouble* computed(std::int32_t output) const {
    const bool was_changed = static_cast<std::size_t>(output) < computed_.size() && !computed_[output].empty();
    return was_changed ? computed_[output].data() : nodes_[output]->value;
  }
  const DualDouble* given(std::int32_t input) const { return nodes_[input]->value; }

 private:
  template <class Direction>
  void record(Direction direction) {
    tape_.rewind();
    computed_.clear();
    const Recording recording(tape_);
    std::vector<Var<DualDouble>> vars;
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      std::vector<DualDouble> values(inputs_[i].values.begin(), inputs_[i].values.end());
      for (std::size_t j = 0; j < values.size(); ++j)
        for (int k = 0; k < dual_directions; ++k) values[j].d[k] = direction(k, i, j);
      vars.push_back(tape_.variable(inputs_[i].shape, values, inputs_[i].name.c_str()));
    }
    function_(std::span<const Var<DualDouble>>(vars));
    nodes_.clear();
    for (Node<DualDouble>* node = tape_.last_node(); node != nullptr; node = node->previous) nodes_.push_back(node);
    std::reverse(nodes_.begin(), nodes_.end());
  }

  void before(std::int32_t index) override { before_(index); }

  Node<DualDouble>* node_before(std::int32_t index) const {
    Node<DualDouble>* node = tape_.last_node();
    while (node->index != index) node = node->previous;
    return node;
  }

  const DualFunction& function_;
  const std::vector<CheckInput>& inputs_;
  Tape<DualDouble> tape_;
  std::vector<Node<DualDouble>*> nodes_;
  std::vector<std::vector<DualDouble>> computed_;  // by node
  std::size_t next_ = 0;                           // operation
  std::function<void(std::int32_t)> before_;
};

/// What the backward of one operation did.
struct Step {
  std::vector<std::int32_t> outputs, parents;  // indices of nodes
  std::vector<Numbers> adjoints;               // of the outputs, before it ran
  std::vector<Numbers> contributions;          // to the parents
  std::optional<std::size_t> overwritten;      // a parent whose gradient lost what was in it
};

/// The operation's outputs in the order in which they were made.
std::vector<const Node<double>*> outputs_of(const Closure<double>* closure) {
  std::vector<const Node<double>*> outputs(closure->outputs, closure->outputs + closure->output_count);
  std::sort(outputs.begin(), outputs.end(), [](const auto* a, const auto* b) { return a->index < b->index; });
  return outputs;
}

/// The nodes that the operation's outputs were computed from and whose gradients it may write, each once.
std::vector<Node<double>*> parents_of(const Closure<double>* closure) {
  std::vector<Node<double>*> parents;
  for (const Node<double>* output : outputs_of(closure)) {
    for (std::int32_t p = 0; p < output->parent_count; ++p) {
      Node<double>* parent = output->parents[p];
      const bool is_new = std::find(parents.begin(), parents.end(), parent) == parents.end();
      if (is_new && parent->needs_gradient && parent->tape == output->tape) parents.push_back(parent);
    }
  }
  return parents;
}

/// Runs the closure on gradients of its own, which hold `before` if that is given and are to be assigned otherwise.
/// Returns what they hold after it.
std::vector<Numbers> run_apart(const Closure<double>* closure, std::span<Node<double>* const> parents,
                               std::optional<double> before) {
  std::vector<Numbers> gradients;
  for (Node<double>* parent : parents) {
    Numbers& own = gradients.emplace_back(parent->shape.size(), before.value_or(not_a_number));
    parent->gradient = own.data();
    parent->written = before.has_value();
  }
  closure->run(closure);
  for (std::size_t i = 0; i < parents.size(); ++i)
    if (!parents[i]->written) std::fill(gradients[i].begin(), gradients[i].end(), 0.0);
  return gradients;
}

/// Runs an operation's backward, looks at what it adds, and leaves the gradients as it would.
Step look_at(const Closure<double>* closure) {
  Step step;
  for (const Node<double>* output : outputs_of(closure)) {
    step.outputs.push_back(output->index);
    Numbers& adjoint = step.adjoints.emplace_back(output->shape.size());
    if (output->written) std::copy_n(output->gradient, adjoint.size(), adjoint.begin());
  }
  const std::vector<Node<double>*> parents = parents_of(closure);
  std::vector<std::pair<double*, bool>> kept;
  for (Node<double>* parent : parents) {
    step.parents.push_back(parent->index);
    kept.emplace_back(parent->gradient, parent->written);
  }
  step.contributions = run_apart(closure, parents, {});
  double before = 1;
  for (const Numbers& contribution : step.contributions)
    for (const double g : contribution)
      if (std::isfinite(g)) before = std::max(before, std::abs(g));
  const std::vector<Numbers> sums = run_apart(closure, parents, before);
  for (std::size_t i = 0; i < parents.size(); ++i) {
    bool is_finite = true, is_sum = true;
    for (std::size_t j = 0; j < sums[i].size(); ++j) {
      const double g = parents[i]->written ? step.contributions[i][j] : 0.0;
      is_finite = is_finite && std::isfinite(g);
      is_sum = is_sum && std::abs(sums[i][j] - (g + before)) <= 1e-9 * before;
    }
    if (is_finite && !is_sum && !step.overwritten) step.overwritten = i;
  }
  for (std::size_t i = 0; i < parents.size(); ++i) {
    std::tie(parents[i]->gradient, parents[i]->written) = kept[i];
    Sink<double> sink(parents[i]);
    write_each(sink.open(), [g = step.contributions[i].data()](auto j) { return g[j]; });
  }
  return step;
}

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
    std::vector<Step> wrong;
    tape_.backward(std::span<const Tape<double>::Seed>(seeds), [&](const Closure<double>* closure) {
      Step step = look_at(closure);
      ++result.operations;
      const double error = error_of(step);
      result.error = std::max(result.error, error);
      if (error <= options_.tolerance && !step.overwritten) return;
      result.passed = false;
      if (wrong.size() < OperationCheckResult::most_wrong) wrong.push_back(std::move(step));
    });
    for (const Step& step : wrong) result.wrong.push_back(found_in(step));
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
  double forward_product(const Step& step, int k, double& scale) const {
    double sum = 0;
    for (std::size_t i = 0; i < step.outputs.size(); ++i)
      sum += product(step.adjoints[i], tangents_.computed(step.outputs[i]), k, scale);
    return sum;
  }

  /// The largest |a − b| / s over the directions.
  double error_of(const Step& step) const {
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

  WrongOperation found_in(const Step& step) {
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
  Numbers expected_contribution(const Step& step, std::size_t parent) {
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
  std::string name_of(const Step& step, const Node<double>& parent) const {
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
