#include "qkv/study/exact_derivatives.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "qkv/autograd/exponential.h"
#include "qkv/translation/available_memory.h"

namespace qkv {
namespace {

/// softmax(z) + 1 at the predicted word, over the number of words: Σ|terms| of ∂loss/∂z = (p − 1 there) / number.
std::vector<double> sizes_of_logit_terms(const SentencePass& pass) {
  const View<double> logits = pass.logits().rows();
  std::vector<double> sizes(logits.data, logits.data + std::ptrdiff_t{logits.rows} * logits.columns);
  for (int i = 0; i < logits.rows; ++i) {
    double* row = sizes.data() + std::ptrdiff_t{i} * logits.columns;
    softmax_in_place(row, logits.columns, logits.columns);
    row[pass.pair().predicted_ids[i]] += 1;
    for (int j = 0; j < logits.columns; ++j) row[j] /= logits.rows;
  }
  return sizes;
}

/// w (|dw| + Σ w |dw|) for each score, with dw = dY Vᵀ.
std::vector<double> sizes_of_score_terms(const AttentionRecord<double>& record) {
  const View<double> weights = record.weights.rows(), values = record.values.rows();
  if (record.output.node()->gradient == nullptr) return std::vector<double>(record.weights.size(), 0);
  const View<double> dy = record.output.grad();
  const int queries = dy.rows, keys = values.rows, width = values.columns / record.heads;
  std::vector<double> sizes;
  for (int h = 0; h < record.heads; ++h)
    for (int i = 0; i < queries; ++i) {
      const double* w = weights.row(h * queries + i);
      std::vector<double> dw(static_cast<std::size_t>(keys), 0);
      double sum = 0;
      for (int j = 0; j < keys; ++j) {
        for (int c = h * width; c < (h + 1) * width; ++c) dw[j] += dy(i, c) * values(j, c);
        sum += w[j] * std::abs(dw[j]);
      }
      for (int j = 0; j < keys; ++j) sizes.push_back(w[j] * (std::abs(dw[j]) + sum));
    }
  return sizes;
}

/// |tangent| of the score of query i with key j of one head: of its terms, where no node holds it.
double size_of_tangent(const AttentionRecord<DualDouble>& record, int h, int i, int j, std::size_t k) {
  if (record.scores) return std::abs(record.scores.rows()(i, j).d[k]);
  const View<DualDouble> q = record.queries.rows(), keys = record.keys.rows();
  const int width = q.columns / record.heads;
  double size = 0;
  for (int c = h * width; c < (h + 1) * width; ++c)
    size += std::abs(q(i, c).d[k] * keys(j, c).value) + std::abs(q(i, c).value * keys(j, c).d[k]);
  return record.scale * size;
}

}  // namespace

ExactDerivatives::ExactDerivatives(const SentencePass& pass)
    : pass_(pass), model_(pass.trained()), logit_terms_(sizes_of_logit_terms(pass)) {
  const double needed = static_cast<double>(pass.parameters().count()) * sizeof(DualDouble);
  if (needed > available_bytes())
    throw std::runtime_error(
        fmt::format("the model on dual numbers takes about {:.1f} GB, which is more than there is; look at a smaller "
                    "one of the same kind",
                    needed / 1e9));
  for (std::size_t i = 0; i < pass.parameters().entries().size(); ++i)
    std::ranges::copy(pass.parameters().values(i), model_.parameters().values(i).begin());
  for (const AttentionRecord<double>* record : pass.attentions())
    score_terms_.push_back({record, sizes_of_score_terms(*record)});
  tape_.watch(this);
}

std::vector<ExactDerivative> ExactDerivatives::of_loss(std::span<const Direction> directions) {
  std::vector<ExactDerivative> derivatives;
  for (std::size_t first = 0; first < directions.size(); first += dual_directions) {
    const std::size_t count = std::min<std::size_t>(dual_directions, directions.size() - first);
    run(directions.subspan(first, count));
    for (std::size_t k = 0; k < count; ++k) derivatives.push_back(derivative(k));
  }
  return derivatives;
}

std::vector<std::vector<std::vector<double>>> ExactDerivatives::of_values(std::span<const Direction> directions,
                                                                          std::span<const std::int32_t> nodes) {
  std::vector<std::vector<std::vector<double>>> tangents;
  for (std::size_t first = 0; first < directions.size(); first += dual_directions) {
    const std::size_t count = std::min<std::size_t>(dual_directions, directions.size() - first);
    run(directions.subspan(first, count));
    for (std::size_t k = 0; k < count; ++k) {
      auto& of_direction = tangents.emplace_back();
      for (const std::int32_t index : nodes) {
        const Node<DualDouble>* node = nodes_[index];
        auto& of_node = of_direction.emplace_back();
        for (std::int64_t e = 0; e < node->shape.size(); ++e) of_node.push_back(node->value[e].d[k]);
      }
    }
  }
  return tangents;
}

void ExactDerivatives::run(std::span<const Direction> directions) {
  forget_moves();
  for (std::size_t k = 0; k < directions.size(); ++k)
    for (const Move& move : directions[k])
      moves_.push_back({pass_.last_of_operation().at(static_cast<std::size_t>(move.node)), move, k});
  std::ranges::stable_sort(moves_, {}, &PlannedMove::last_of_operation);
  tape_.rewind();
  nodes_.clear();
  const Recording recording(tape_);
  const NoGrad no_grad(tape_);
  result_ = loss_of(model_.layer(), pass_.pair());
  before(std::numeric_limits<std::int32_t>::max());  // the last ones
  ++passes_;
  check_same_nodes();
  if (on_pass_) on_pass_(passes_);
}

void ExactDerivatives::before(std::int32_t index) {
  if (tape_.last_node() != nullptr) nodes_.push_back(tape_.last_node());
  for (; moved_ < moves_.size() && moves_[moved_].last_of_operation < index; ++moved_) {
    const auto& [last, move, k] = moves_[moved_];
    Node<DualDouble>* node = nodes_[move.node];
    DualDouble& entry = node->value[move.element];
    entry.d[k] += move.by;
    if (node->is_leaf) moved_leaves_.push_back(&entry);
  }
}

void ExactDerivatives::forget_moves() {
  for (DualDouble* entry : moved_leaves_) entry->d = {};
  moved_leaves_.clear();
  moves_.clear();
  moved_ = 0;
}

void ExactDerivatives::check_same_nodes() const {
  const auto same = [](const Node<double>* a, const Node<DualDouble>* b) {
    return a->shape == b->shape && std::strcmp(a->name, b->name) == 0;
  };
  if (!std::ranges::equal(pass_.nodes(), nodes_, same))
    throw std::logic_error("the model computes other operations on dual numbers than in double");
}

ExactDerivative ExactDerivatives::derivative(std::size_t k) const {
  return {result_.loss.item().d[k], terms_in_loss(k) + terms_in_scores(k)};
}

double ExactDerivatives::terms_in_loss(std::size_t k) const {
  double sum = 0;
  for (std::size_t i = 0; i < logit_terms_.size(); ++i)
    sum += logit_terms_[i] * std::abs(result_.logits.data()[i].d[k]);
  return sum;
}

double ExactDerivatives::terms_in_scores(std::size_t k) const {
  double sum = 0;
  const AttentionRecord<DualDouble>* record = tape_.last_attention();
  for (auto terms = score_terms_.rbegin(); terms != score_terms_.rend(); ++terms, record = record->previous) {
    std::size_t at = 0;
    const int queries = record->queries.shape().rows(), keys = record->keys.shape().rows();
    for (int h = 0; h < record->heads; ++h)
      for (int i = 0; i < queries; ++i)
        for (int j = 0; j < keys; ++j, ++at)
          if (terms->sizes[at] > 0) sum += terms->sizes[at] * size_of_tangent(*record, h, i, j, k);
  }
  return sum;
}

}  // namespace qkv
