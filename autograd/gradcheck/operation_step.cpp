#include "qkv/autograd/gradcheck/operation_step.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <tuple>

namespace qkv::gradcheck_detail {
namespace {

using Numbers = std::vector<double>;
constexpr auto not_a_number = std::numeric_limits<double>::quiet_NaN();

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

}  // namespace

std::vector<const Node<double>*> outputs_of(const Closure<double>* closure) {
  std::vector<const Node<double>*> outputs(closure->outputs, closure->outputs + closure->output_count);
  std::sort(outputs.begin(), outputs.end(), [](const auto* a, const auto* b) { return a->index < b->index; });
  return outputs;
}

OperationStep look_at(const Closure<double>* closure) {
  OperationStep step;
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

}  // namespace qkv::gradcheck_detail
