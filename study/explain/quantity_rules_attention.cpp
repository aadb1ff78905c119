#include <algorithm>
#include <array>
#include <string_view>

#include "qkv/study/explain/quantity_rules_detail.h"

namespace qkv::quantity_rules {
namespace {

const AttentionRecord<double>* record_of(const Operation& op, const Node<double>* weights) {
  const auto found = std::find_if(op.facts.attentions.begin(), op.facts.attentions.end(),
                                  [&](const auto* record) { return record->weights.node() == weights; });
  return found == op.facts.attentions.end() ? nullptr : *found;
}

/// How many keys each row of weights may look at, of one sentence alone, where nothing is padding.
std::function<int(int)> allowed_keys(const AttentionRecord<double>* record, int queries, int keys) {
  const bool is_causal = record != nullptr && record->kind == AttentionKind::causal;
  return [=](int row) { return is_causal ? std::clamp(keys - queries + row % queries + 1, 0, keys) : keys; };
}

/// softmax(scale · Q Kᵀ) V (see autograd/ops/attention.h), in its steps.
/// scores[h, i, j] = Σ over c of q[i, c] · k[j, c], with the features c of head h
bool attention(const Operation& op) {
  const Node<double>* weights_node = op.all[op.self() + 1].node;  // the operation's second output
  const AttentionRecord<double>* record = record_of(op, weights_node);
  if (op.shape().dim(0) != 1 || record == nullptr) return false;
  const int heads = weights_node->shape.dim(1), queries = op.shape().dim(1), keys = weights_node->shape.dim(3);
  const int width = op.shape_of(0).last() / heads, values_width = op.shape().last() / heads;
  const int all_width = width * heads, all_values_width = values_width * heads;
  const double factor = record->scale;
  const std::vector<int> sizes{heads, queries, keys};

  const int scores =
      op.sum_part("scores", sizes, {op.input(0), op.input(1)},
                  [=, q = op.input(0), k = op.input(1)](std::int64_t at, const Rule::Visit& visit) {
                    const std::int64_t key = at % keys, query = at / keys % queries, head = at / keys / queries;
                    for (std::int64_t c = head * width; c < (head + 1) * width; ++c)
                      visit(std::array{Piece::of(q, query * all_width + c), Piece::of(k, key * all_width + c)});
                  });
  const int scaled = op.sum_part("scaled", sizes, {scores}, [=](std::int64_t at, const Rule::Visit& visit) {
    visit(std::array{Piece::plain(factor, "scale"), Piece::of(scores, at)});
  });
  const int weights = op.softmax_part("weights", sizes, scaled, allowed_keys(record, queries, keys));
  op.is_sum({weights, op.input(2)}, [=, v = op.input(2)](std::int64_t at, const Rule::Visit& visit) {
    const std::int64_t query = at / all_values_width, feature = at % all_values_width, head = feature / values_width;
    for (std::int64_t j = 0; j < keys; ++j)
      visit(std::array{Piece::of(weights, (head * queries + query) * keys + j),
                       Piece::of(v, j * all_values_width + feature)});
  });
  op.all.set_rule(op.self() + 1,
                  std::make_unique<SumOfProducts>(
                      op.self() + 1, weights_node->shape.size(), std::vector{weights},
                      [=](std::int64_t at, const Rule::Visit& visit) { visit(std::array{Piece::of(weights, at)}); }));
  return true;
}

void softmax(const Operation& op) {
  const int keys = op.shape().last(), queries = op.shape().rank() > 1 ? op.shape().dim(-2) : 1;
  const int weights = op.softmax_part("weights", op.all[op.self()].sizes, op.input(0),
                                      allowed_keys(record_of(op, op.node), queries, keys));
  op.is_sum({weights}, [=](std::int64_t at, const Rule::Visit& visit) { visit(std::array{Piece::of(weights, at)}); });
}

/// scores[i, j] = Σ over a of e[a] · hidden[i, j, a], with hidden = tanh(q[i, a] + k[j, a])
bool additive_scores(const Operation& op) {
  if (op.shape().dim(0) != 1) return false;
  const int queries = op.shape().dim(1), keys = op.shape().dim(2), width = op.shape_of(2).dim(0);
  const int sum = op.sum_part("hidden_sum", {queries, keys, width}, {op.input(0), op.input(1)},
                              [=, q = op.input(0), k = op.input(1)](std::int64_t at, const Rule::Visit& visit) {
                                const std::int64_t a = at % width, key = at / width % keys, query = at / width / keys;
                                visit(std::array{Piece::of(q, query * width + a)});
                                visit(std::array{Piece::of(k, key * width + a)});
                              });
  const int hidden = op.part("hidden", sum, tanh_of, "tanh({})", slope_of_tanh);
  op.is_sum({hidden, op.input(2)}, [=, e = op.input(2)](std::int64_t at, const Rule::Visit& visit) {
    for (int a = 0; a < width; ++a) visit(std::array{Piece::of(e, a), Piece::of(hidden, at * width + a)});
  });
  return true;
}

}  // namespace

bool attentions(const Operation& op) {
  const std::string_view name = op.node->name;
  if (name == "attention") return attention(op);
  if (name == "softmax") return softmax(op), true;
  return name == "additive_scores" && additive_scores(op);
}

}  // namespace qkv::quantity_rules
