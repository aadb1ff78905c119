#include "qkv/study/explain/passes.h"

#include <algorithm>

#include "qkv/study/explain/head_gradients.h"

namespace qkv {
namespace {

/// Of a matrix whose entries are all asked for at once.
std::int64_t of_matrix(std::int64_t rows, std::int64_t columns) {
  return (rows * columns + dual_directions - 1) / dual_directions;
}

/// Of a parameter: the entries that are shown, and a random direction.
std::int64_t of_parameter(int rows, int columns) {
  return of_matrix(std::min(rows, most_exact_rows) * std::min(columns, most_exact_columns) + 1, 1);
}

std::int64_t of_projection(const Node<double>* layer, int rows, int columns, int outputs) {
  return of_parameter(rows, columns) + (layer->parent_count < 3 ? 0 : of_parameter(1, outputs));
}

std::int64_t of_reach(const SentencePass& pass) {
  return of_matrix(std::ssize(pass.pair().source), pass.parameter("source_embedding.weight")->shape.last());
}

}  // namespace

std::int64_t passes_through_head(const SentencePass& pass, const AttentionHeadMatrices& head, bool projections) {
  const AttentionRecord<double>& first = *head.records.front();
  const int rows = head.weights.rows, columns = head.weights.columns, width = head.queries.columns,
            values = head.values.columns;
  std::int64_t passes = of_matrix(rows, values) + of_matrix(columns, values)   // output, values
                        + 3 * of_matrix(rows, columns) + of_matrix(rows, 1)    // weights, scaled, scores; sigma
                        + of_matrix(rows, width) + of_matrix(columns, width);  // queries, keys
  if (head.is_additive) passes += of_matrix(1, width);
  if (!head.values_are_projected) {  // the states, in each way that they are read
    if (head.projects) passes += of_matrix(rows, head.x.columns) + of_matrix(columns, head.memory.columns);
    passes += of_matrix(columns, values) + of_reach(pass);
    if (first.values.node()->parent_count == columns) passes += of_matrix(columns, values);
  }
  if (!projections) return passes;
  if (head.projects) {
    passes += of_projection(first.queries.node(), width, head.x.columns, width) +
              of_projection(first.keys.node(), width, head.memory.columns, width);
    if (head.values_are_projected) passes += of_projection(first.values.node(), values, head.memory.columns, values);
  }
  if (head.projected != nullptr) {
    const int outputs = head.projected->shape.last();
    passes += of_matrix(rows, outputs) + of_projection(head.projected, outputs, values, outputs);
  }
  return passes;
}

std::int64_t passes_through_context(const SentencePass& pass, int features) {
  return of_matrix(1, features) + of_matrix(std::ssize(pass.pair().source), features) + of_reach(pass);
}

}  // namespace qkv
