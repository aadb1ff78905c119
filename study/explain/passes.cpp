#include "qkv/study/explain/passes.h"

#include <algorithm>

#include "qkv/study/explain/head_gradients.h"

namespace qkv {
namespace {

/// Of a matrix whose entries are all asked for at once.
std::int64_t of_matrix(std::int64_t rows, std::int64_t columns) {
  return (rows * columns + dual_directions - 1) / dual_directions;
}

/// Of a matrix of which the first entries are asked for and, if there are others, a random direction.
std::int64_t of_part(int rows, int columns) {
  const int entries = std::min(rows, most_exact_rows) * std::min(columns, most_exact_columns);
  return of_matrix(entries + (entries < rows * columns ? 1 : 0), 1);
}

std::int64_t of_projection(const Node<double>* layer, int rows, int columns, int outputs,
                           const HeadGradientOptions& options) {
  const bool has_bias = layer->parent_count > 2;
  if (!options.each_entry) return has_bias ? 2 : 1;
  return of_part(rows, columns) + (has_bias ? of_part(1, outputs) : 0);
}

std::int64_t of_reach(const SentencePass& pass) {
  return of_matrix(std::ssize(pass.pair().source), pass.parameter("source_embedding.weight")->shape.last());
}

}  // namespace

std::int64_t passes_through_head(const SentencePass& pass, const AttentionHeadMatrices& head,
                                 const HeadGradientOptions& options) {
  const auto of_gradient = [&](int i, int j) { return options.each_entry ? of_matrix(i, j) : 1; };
  const AttentionRecord<double>& first = *head.records.front();
  const int rows = head.weights.rows, columns = head.weights.columns, width = head.queries.columns,
            values = head.values.columns;
  std::int64_t passes = of_gradient(rows, values) + of_gradient(columns, values)   // output, values
                        + 3 * of_gradient(rows, columns) + of_gradient(rows, 1)    // weights, scaled, scores; sigma
                        + of_gradient(rows, width) + of_gradient(columns, width);  // queries, keys
  if (head.is_additive) passes += of_gradient(1, width);
  if (!head.values_are_projected) {  // the states, in each way that they are read
    if (head.projects) passes += of_gradient(rows, head.x.columns) + of_gradient(columns, head.memory.columns);
    passes += of_matrix(columns, values) + of_reach(pass);
    if (first.values.node()->parent_count == columns) passes += of_matrix(columns, values);
  }
  if (!options.projections) return passes;
  if (head.projects) {
    passes += of_projection(first.queries.node(), width, head.x.columns, width, options) +
              of_projection(first.keys.node(), width, head.memory.columns, width, options);
    if (head.values_are_projected)
      passes += of_projection(first.values.node(), values, head.memory.columns, values, options);
  }
  if (head.projected != nullptr) {
    const int outputs = head.projected->shape.last();
    passes += of_gradient(rows, outputs) + of_projection(head.projected, outputs, values, outputs, options);
  }
  return passes;
}

std::int64_t passes_through_context(const SentencePass& pass, int features) {
  return of_matrix(1, features) + of_matrix(std::ssize(pass.pair().source), features) + of_reach(pass);
}

}  // namespace qkv
