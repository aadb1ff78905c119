// The picture of one attention head: what a fused operation does in one closure, step by step.

#include <algorithm>
#include <fmt/format.h>
#include <string_view>

#include "qkv/study/graph/tape_graph.h"

namespace qkv {
namespace {

using Kind = GraphNode::Kind;
using Record = AttentionRecord<double>;

const char* option_of(AttentionKind kind) {
  return kind == AttentionKind::cross ? "cross" : kind == AttentionKind::self ? "encoder" : "decoder";
}

/// The attentions of this kind, layer by layer, each with its steps in a recurrent decoder.
std::vector<std::vector<const Record*>> layers_of(const SentencePass& pass, AttentionKind kind) {
  std::vector<std::vector<const Record*>> layers;
  for (const Record* record : pass.attentions()) {
    if (record->kind != kind) continue;
    if (layers.empty() || std::string_view(layers.back().front()->layer) != record->layer) layers.emplace_back();
    layers.back().push_back(record);
  }
  return layers;
}

/// y = a b of matrices as lists of rows, with b transposed where that is asked for: [n, m] of [n, k] and [k, m].
std::vector<double> product(const std::vector<double>& a, const std::vector<double>& b, int inner, bool transposed) {
  const auto k = static_cast<std::size_t>(inner), n = a.size() / k, m = b.size() / k;
  std::vector<double> y(n * m);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < m; ++j)
      for (std::size_t l = 0; l < k; ++l) y[i * m + j] += a[i * k + l] * b[transposed ? j * k + l : l * m + j];
  return y;
}

std::vector<double> sum(std::vector<double> a, const std::vector<double>& b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] += b[i];
  return a;
}

std::vector<double> times(std::vector<double> a, double factor) {
  for (double& x : a) x *= factor;
  return a;
}

/// Draws one head.
class HeadPicture {
 public:
  HeadPicture(const SentencePass& pass, const std::vector<const Record*>& steps, int head, const GraphOptions& options)
      : pass_(pass), steps_(steps), record_(*steps.front()), head_(head), options_(options) {
    if (options.tangents) tangents_ = tangents_of(pass, options.seed);
  }

  Graph draw() {
    graph_.title = fmt::format("{}, head {} of {}", record_.layer, head_, record_.heads);
    const auto& pair = pass_.pair();
    query_labels_ = record_.kind == AttentionKind::self    ? pair.source
                    : record_.kind == AttentionKind::cross ? pair.predicted
                                                           : pair.read;
    key_labels_ = record_.kind == AttentionKind::causal ? pair.read : pair.source;
    if (const auto* rnn = std::get_if<RnnConfig>(&pass_.trained().config.model))
      draw_recurrent(*rnn);
    else
      draw_transformer();
    return std::move(graph_);
  }

 private:
  using Box = std::size_t;

  /// The columns of this head in these nodes, one below the other.
  PicturedMatrix head_of(const std::vector<const Node<double>*>& nodes, int heads) const {
    PicturedMatrix matrix;
    matrix.columns = nodes.front()->shape.last() / heads;
    for (const Node<double>* node : nodes) {
      const int all = node->shape.last();
      for (int row = 0; row < node->shape.rows(); ++row) {
        const std::ptrdiff_t begin = std::ptrdiff_t{row} * all + std::ptrdiff_t{head_} * matrix.columns * (heads > 1);
        const auto take = [&](std::vector<double>& to, const double* from) {
          if (from != nullptr) to.insert(to.end(), from + begin, from + begin + matrix.columns);
        };
        take(matrix.value, node->value);
        take(matrix.gradient, node->needs_gradient ? node->gradient : nullptr);
        take(matrix.tangent, tangent_of(node));
      }
    }
    return matrix;
  }

  /// The rows of a projection that make this head, of all if there is one.
  PicturedMatrix rows_of(const Node<double>* node) const {
    PicturedMatrix matrix;
    matrix.columns = node->shape.rank() == 1 ? 1 : node->shape.last();
    const std::int64_t count = node->shape.size() / record_.heads, begin = count * head_;
    const auto take = [&](std::vector<double>& to, const double* from) {
      if (from != nullptr) to.assign(from + begin, from + begin + count);
    };
    take(matrix.value, node->value);
    take(matrix.gradient, node->gradient);
    take(matrix.tangent, tangent_of(node));
    return matrix;
  }

  const double* tangent_of(const Node<double>* node) const {
    return tangents_.empty() ? nullptr : tangents_[node->index].data();
  }

  /// This head's part of the weights, [queries, keys].
  PicturedMatrix weights() const {
    PicturedMatrix matrix;
    matrix.columns = record_.weights.last();
    for (const Record* step : steps_) {
      const Node<double>* node = step->weights.node();
      const std::int64_t count = node->shape.size() / record_.heads, begin = count * head_;
      matrix.value.insert(matrix.value.end(), node->value + begin, node->value + begin + count);
      if (const double* tangent = tangent_of(node))
        matrix.tangent.insert(matrix.tangent.end(), tangent + begin, tangent + begin + count);
    }
    return matrix;
  }

  /// What reads a value, if something does.
  const Node<double>* reader_of(const Node<double>* node) const {
    for (const Node<double>* other : pass_.nodes())
      if (std::find(other->parents, other->parents + other->parent_count, node) != other->parents + other->parent_count)
        return other;
    return nullptr;
  }

  std::vector<const Node<double>*> nodes_of(Var<double> Record::*member) const {
    std::vector<const Node<double>*> nodes;
    for (const Record* step : steps_) nodes.push_back((step->*member).node());
    return nodes;
  }
  Box add(const std::string& id, const std::string& formula, PicturedMatrix matrix, const std::vector<Box>& read,
          Kind kind = Kind::operation, const std::vector<std::string>& labels = {}) {
    matrix.labels = labels;
    if (kind != Kind::operation) matrix.widest = 8;  // eight of them stand side by side
    const auto rows = static_cast<int>(matrix.value.size()) / std::max(matrix.columns, 1);
    GraphNode& box = graph_.nodes.emplace_back();
    box.id = id;
    box.label = formula.empty() ? id : fmt::format("{} = {}", id, formula);
    box.module = record_.layer;
    box.shape = fmt::format("[{}, {}]", rows, matrix.columns);
    box.operations = kind == Kind::operation ? 1 : 0;
    box.kind = kind;
    box.numbers = numbers_of(matrix, options_);
    const Box here = graph_.nodes.size() - 1;
    for (const Box from : read) graph_.edges.emplace_back(from, here);
    return here;
  }

  Box add_parameter(const std::string& id, const Node<double>* node) {
    const std::int64_t rows = node->shape.dim(0) / record_.heads;
    const Box box = add(id, "", rows_of(node), {}, Kind::parameter);
    if (record_.heads > 1)
      graph_.nodes[box].label = fmt::format("{}, rows {} to {}", id, rows * head_, rows * head_ + rows - 1);
    return box;
  }

  /// y = x Wᵀ + b, this head's part.
  Box add_projection(const std::string& id, const std::string& formula, const char* parameter, Box x,
                     const std::vector<const Node<double>*>& nodes, const std::vector<std::string>& labels) {
    std::vector<Box> read{x};
    constexpr const char* parts[] = {"weight", "bias"};
    for (std::int32_t i = 1; i < nodes.front()->parent_count; ++i)
      read.push_back(add_parameter(fmt::format("{}.{}", parameter, parts[i - 1]), nodes.front()->parents[i]));
    return add(id, formula, head_of(nodes, record_.heads), read, Kind::operation, labels);
  }

  /// What no projection of this head made: all of its features.
  Box add_whole(const std::string& id, const std::vector<const Node<double>*>& nodes,
                const std::vector<std::string>& labels) {
    return add(id, "", head_of(nodes, 1), {}, Kind::input, labels);
  }

  void draw_transformer() {
    const Node<double>*q = record_.queries.node(), *k = record_.keys.node(), *v = record_.values.node();
    const Box x = add_whole("x", {q->parents[0]}, query_labels_);
    const bool is_cross = record_.kind == AttentionKind::cross;
    const Box memory = is_cross ? add_whole("memory", {k->parents[0]}, key_labels_) : x;
    const Box queries = add_projection("queries", "x Wᵀ + b", "query", x, {q}, query_labels_);
    const char* formula = is_cross ? "memory Wᵀ + b" : "x Wᵀ + b";
    const Box keys = add_projection("keys", formula, "key", memory, {k}, key_labels_);
    const Box values = add_projection("values", formula, "value", memory, {v}, key_labels_);
    const Box output = draw_products(queries, keys, values);
    if (const Node<double>* projection = reader_of(record_.output.node()))
      add("projection", "all heads' outputs Wᵀ + b", head_of({projection}, 1), {output}, Kind::operation,
          query_labels_);
  }

  void draw_recurrent(const RnnConfig& config) {
    if (config.attention != Score::additive) {
      const Box h = add_whole("h", nodes_of(&Record::queries), query_labels_);
      const Box states = add_whole("states", {record_.keys.node()}, key_labels_);
      draw_products(h, states, states);
      return;
    }
    std::vector<const Node<double>*> h, projected = nodes_of(&Record::queries);
    for (const Node<double>* node : projected) h.push_back(node->parents[0]);
    const Box asks = add_whole("h", h, query_labels_);
    const Box states = add_whole("states", {record_.values.node()}, key_labels_);
    const Box queries = add_projection("queries", "h Wᵀ", "score.query", asks, projected, query_labels_);
    const Box keys = add_projection("keys", "states Wᵀ", "score.key", states, {record_.keys.node()}, key_labels_);
    const Box energy = add_parameter("energy", record_.scores.node()->parents[2]);
    const Box scores = add("scores", "energy · tanh(query + key)", head_of(nodes_of(&Record::scores), 1),
                           {queries, keys, energy}, Kind::operation, query_labels_);
    const Box weights = add("weights", "softmax over the keys", head_of(nodes_of(&Record::weights), 1), {scores},
                            Kind::operation, query_labels_);
    add("output", "weights · states", head_of(nodes_of(&Record::output), 1), {weights, states}, Kind::operation,
        query_labels_);
  }

  /// scores = Q Kᵀ, scaled, weights = softmax(scaled), output = weights · V, which one operation did, and the gradients
  /// in between, which nothing keeps: dP = dY Vᵀ, dS = P ⊙ (dP − Σ P ⊙ dP).
  Box draw_products(Box queries, Box keys, Box values) {
    const PicturedMatrix q = head_of(nodes_of(&Record::queries), record_.heads),
                         k = head_of({record_.keys.node()}, record_.heads),
                         v = head_of({record_.values.node()}, record_.heads),
                         y = head_of(nodes_of(&Record::output), record_.heads);
    PicturedMatrix p = weights(), scores, scaled;
    scores.columns = scaled.columns = p.columns;
    scores.value = product(q.value, k.value, q.columns, true);
    scaled.value = times(scores.value, record_.scale);
    if (!tangents_.empty()) {
      scores.tangent = sum(product(q.tangent, k.value, q.columns, true), product(q.value, k.tangent, q.columns, true));
      scaled.tangent = times(scores.tangent, record_.scale);
    }
    if (!y.gradient.empty()) {
      p.gradient = product(y.gradient, v.value, v.columns, true);
      scaled.gradient = through_softmax(p);
      scores.gradient = times(scaled.gradient, record_.scale);
    }
    const Box raw = add("scores", "queries · keysᵀ", scores, {queries, keys}, Kind::operation, query_labels_);
    const Box after =
        add("scaled", fmt::format("{:.4g} · scores", record_.scale), scaled, {raw}, Kind::operation, query_labels_);
    const char* softmax =
        record_.kind == AttentionKind::causal ? "softmax over the keys that are not ahead" : "softmax over the keys";
    const Box weights = add("weights", softmax, p, {after}, Kind::operation, query_labels_);
    return add("output", "weights · values", y, {weights, values}, Kind::operation, query_labels_);
  }

  static std::vector<double> through_softmax(const PicturedMatrix& p) {
    std::vector<double> gradient(p.value.size());
    const auto columns = static_cast<std::size_t>(p.columns);
    for (std::size_t begin = 0; begin < p.value.size(); begin += columns) {
      double sigma = 0;
      for (std::size_t j = begin; j < begin + columns; ++j) sigma += p.value[j] * p.gradient[j];
      for (std::size_t j = begin; j < begin + columns; ++j) gradient[j] = p.value[j] * (p.gradient[j] - sigma);
    }
    return gradient;
  }

  const SentencePass& pass_;
  const std::vector<const Record*>& steps_;
  const Record& record_;
  int head_;
  const GraphOptions& options_;
  std::vector<std::vector<double>> tangents_;
  std::vector<std::string> query_labels_, key_labels_;
  Graph graph_;
};

}  // namespace

AttentionCount attentions_in(const SentencePass& pass, AttentionKind kind) {
  const auto layers = layers_of(pass, kind);
  if (layers.empty()) return {};
  return {static_cast<int>(layers.size()), layers.front().front()->heads};
}

Graph graph_of_head(const SentencePass& pass, AttentionKind kind, int layer, int head, const GraphOptions& options) {
  const AttentionCount count = attentions_in(pass, kind);
  check(count.layers > 0, "this model has no attention of the kind `{}`, so there is no head to draw", option_of(kind));
  check(layer >= 0 && layer < count.layers, "layer {} does not exist; this model's layers are 0 to {}", layer,
        count.layers - 1);
  check(head >= 0 && head < count.heads, "head {} does not exist; this model's heads are 0 to {}", head,
        count.heads - 1);
  const auto layers = layers_of(pass, kind);
  return HeadPicture(pass, layers[layer], head, options).draw();
}

}  // namespace qkv
