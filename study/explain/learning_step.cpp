#include "qkv/study/explain/learning_step.h"

#include <cmath>
#include <string_view>

namespace qkv {
namespace {

/// The parameters, a step down their gradient.
std::vector<double> moved(const SentencePass& pass, double rate) {
  check(std::isfinite(rate), "a step with rate {} leads nowhere", rate);
  const Parameters<double>& parameters = pass.parameters();
  std::vector<double> values(parameters.values().begin(), parameters.values().end());
  for (const Parameters<double>::Entry& entry : parameters.entries()) {
    const Node<double>* leaf = pass.parameter(entry.name);
    for (std::int64_t e = 0; e < entry.shape.size(); ++e)
      values[entry.offset + static_cast<std::size_t>(e)] -= rate * leaf->gradient[e];
  }
  return values;
}

/// change(record, element) for each weight of the head, which lie in its part of each record's weights.
template <class Change>
NumberMatrix of_weights(const AttentionHeadMatrices& head, Change change) {
  const bool is_one = head.records.size() == 1;
  const int queries = is_one ? head.weights.rows : 1;
  return {head.weights.rows, head.weights.columns, [&](int i, int j) {
            const AttentionRecord<double>& record = *head.records[is_one ? 0 : static_cast<std::size_t>(i)];
            const std::int64_t row = std::int64_t{head.head} * queries + (is_one ? i : 0);
            return change(record.weights.node()->index, row * head.weights.columns + j);
          }};
}

}  // namespace

LearningStep::LearningStep(ExactDerivatives& exact, double rate)
    : before_(exact.pass()), rate_(rate), after_(before_, moved(before_, rate)) {
  ExactDerivatives::Direction down;
  for (const Parameters<double>::Entry& entry : before_.parameters().entries()) {
    const Node<double>* leaf = before_.parameter(entry.name);
    for (std::int64_t e = 0; e < entry.shape.size(); ++e)
      if (leaf->gradient[e] != 0) down.push_back({leaf->index, e, -rate * leaf->gradient[e]});
  }
  std::vector<std::int32_t> nodes;
  for (const AttentionRecord<double>* record : before_.attentions()) nodes.push_back(record->weights.node()->index);
  nodes.push_back(before_.loss().node()->index);
  const auto tangents = exact.of_values(std::span(&down, 1), nodes).front();
  for (std::size_t i = 0; i + 1 < nodes.size(); ++i) tangents_[nodes[i]] = tangents[i];
  loss_change_ = tangents.back().front();
}

NumberMatrix LearningStep::predicted_change(const AttentionHeadMatrices& head) const {
  return of_weights(head, [&](std::int32_t node, std::int64_t e) { return tangents_.at(node)[e]; });
}

NumberMatrix LearningStep::actual_change(const AttentionHeadMatrices& head) const {
  return of_weights(head, [&](std::int32_t node, std::int64_t e) {
    const auto at = static_cast<std::size_t>(node);
    return after_.nodes()[at]->value[e] - before_.nodes()[at]->value[e];
  });
}

}  // namespace qkv
