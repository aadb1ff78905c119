#include "qkv/study/explain/attention_head.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "qkv/study/attention_view.h"

namespace qkv {
namespace {

using Records = std::vector<const AttentionRecord<double>*>;

NumberMatrix whole(const Node<double>* node) {
  return {node->shape.rows(), node->shape.last(),
          [&](int i, int j) { return node->value[std::int64_t{i} * node->shape.last() + j]; }};
}

/// A head's part of the features of a value.
NumberMatrix features(Var<double> value, int head, int heads) {
  const View<double> all = value.rows();
  const int width = all.columns / heads;
  return {all.rows, width, [&](int i, int c) { return all(i, head * width + c); }};
}

NumberMatrix below_each_other(const std::vector<NumberMatrix>& parts) {
  NumberMatrix result(0, parts.front().columns);
  for (const NumberMatrix& part : parts) {
    result.rows += part.rows;
    result.numbers.insert(result.numbers.end(), part.numbers.begin(), part.numbers.end());
  }
  return result;
}

template <class Part>
NumberMatrix of_records(const Records& records, Part part) {
  std::vector<NumberMatrix> parts;
  for (const AttentionRecord<double>* record : records) parts.push_back(part(*record));
  return below_each_other(parts);
}

NumberMatrix weights_of(const Records& records, int head) {
  return of_records(records, [&](const AttentionRecord<double>& record) {
    const int queries = record.queries.shape().rows();
    const View<double> rows = record.weights.rows().row_block(head * queries, queries);
    return NumberMatrix(queries, rows.columns, [&](int i, int j) { return rows(i, j); });
  });
}

/// Whether a linear layer made it.
bool is_projected(const Node<double>* node) {
  return node->parent_count >= 2 && node->parents[1]->is_leaf && node->parents[1]->shape.rank() == 2;
}

TapePlace place(Var<double> value, int row, int column) {
  return {value.node()->index, std::int64_t{row} * value.last() + column};
}

}  // namespace

TapePlace AttentionHeadMatrices::query_at(int row, int c) const {
  const bool is_one = records.size() == 1;
  return place(records[is_one ? 0 : static_cast<std::size_t>(row)]->queries, is_one ? row : 0, first_feature() + c);
}

TapePlace AttentionHeadMatrices::key_at(int column, int c) const {
  return place(records.front()->keys, column, first_feature() + c);
}

TapePlace AttentionHeadMatrices::value_at(int column, int c) const {
  return place(records.front()->values, column, head * values.columns + c);
}

TapePlace AttentionHeadMatrices::output_at(int row, int c) const {
  const bool is_one = records.size() == 1;
  return place(records[is_one ? 0 : static_cast<std::size_t>(row)]->output, is_one ? row : 0,
               head * output.columns + c);
}

double mean_entropy(const NumberMatrix& weights) {
  double sum = 0;
  for (const double w : weights.numbers) sum -= w > 0 ? w * std::log(w) : 0;
  return sum / std::max(weights.rows, 1);
}

std::vector<Records> attention_layers(const SentencePass& pass, AttentionKind kind) {
  std::vector<Records> layers;
  for (const AttentionRecord<double>* record : pass.attentions()) {
    if (record->kind != kind) continue;
    if (layers.empty() || std::string_view(layers.back().front()->layer) != record->layer) layers.emplace_back();
    layers.back().push_back(record);
  }
  return layers;
}

AttentionHeadMatrices attention_head(const SentencePass& pass, AttentionKind kind, std::optional<int> layer,
                                     std::optional<int> head) {
  const std::vector<Records> layers = attention_layers(pass, kind);
  const std::string model = name_of(pass.trained().config.model);
  check(!layers.empty(), "this model, {}, has no {}", model, title_of(kind));
  AttentionHeadMatrices h;
  h.kind = kind;
  h.layers = static_cast<int>(layers.size());
  h.layer = layer.value_or(h.layers - 1);
  check(h.layer >= 0 && h.layer < h.layers, "layer {} does not exist; this model's layers are 0 to {}", h.layer,
        h.layers - 1);
  h.records = layers[h.layer];
  const AttentionRecord<double>& first = *h.records.front();
  h.name = first.layer;
  h.heads = first.heads;
  check(!head || (*head >= 0 && *head < h.heads), "head {} does not exist; this model's heads are 0 to {}",
        head.value_or(0), h.heads - 1);
  if (head) {
    h.head = *head;
  } else {
    std::vector<double> entropies;
    for (int i = 0; i < h.heads; ++i) entropies.push_back(mean_entropy(weights_of(h.records, i)));
    h.head = static_cast<int>(std::min_element(entropies.begin(), entropies.end()) - entropies.begin());
  }
  h.scale = first.scale;
  h.is_additive = static_cast<bool>(first.scores);
  h.projects = is_projected(first.queries.node()) && is_projected(first.keys.node());
  h.values_are_projected = is_projected(first.values.node());
  if (const Node<double>* reader = pass.first_reader(first.output.node());
      h.values_are_projected && reader != nullptr && is_projected(reader))
    h.projected = reader;
  const SentencePair& pair = pass.pair();
  h.rows = kind == AttentionKind::self ? pair.source : kind == AttentionKind::cross ? pair.predicted : pair.read;
  h.columns = kind == AttentionKind::causal ? pair.read : pair.source;

  const auto asks = [&](const AttentionRecord<double>& record) {
    return whole(h.projects ? record.queries.node()->parents[0] : record.queries.node());
  };
  h.x = of_records(h.records, asks);
  h.memory = whole(h.projects ? first.keys.node()->parents[0] : first.keys.node());
  h.queries = of_records(h.records, [&](const auto& record) { return features(record.queries, h.head, h.heads); });
  h.keys = features(first.keys, h.head, h.heads);
  h.values = features(first.values, h.head, h.heads);
  h.output = of_records(h.records, [&](const auto& record) { return features(record.output, h.head, h.heads); });
  h.weights = weights_of(h.records, h.head);
  if (h.is_additive) {
    h.scores = of_records(h.records, [](const auto& record) { return whole(record.scores.node()); });
    const Node<double>* energy = first.scores.node()->parents[2];
    h.energy = NumberMatrix(1, energy->shape.last(), [&](int, int c) { return energy->value[c]; });
  } else {
    h.scores = NumberMatrix(h.queries.rows, h.keys.rows, [&](int i, int j) {
      double sum = 0;
      for (int c = 0; c < h.queries.columns; ++c) sum += h.queries(i, c) * h.keys(j, c);
      return sum;
    });
  }
  h.scaled = NumberMatrix(h.scores.rows, h.scores.columns, [&](int i, int j) { return h.scale * h.scores(i, j); });
  return h;
}

}  // namespace qkv
