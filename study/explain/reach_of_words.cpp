#include "qkv/study/explain/reach_of_words.h"

#include <cmath>
#include <fmt/format.h>
#include <stdexcept>

namespace qkv {
namespace {

double norm_of_row(const NumberMatrix& matrix, int i) {
  double sum = 0;
  for (int c = 0; c < matrix.columns; ++c) sum += matrix(i, c) * matrix(i, c);
  return std::sqrt(sum);
}

}  // namespace

const Node<double>* embeddings_from(const SentencePass& pass, const std::string& table) {
  const Node<double>* leaf = pass.parameter(table);
  for (const Node<double>* node : pass.nodes())
    if (leaf != nullptr && node->parent_count > 0 && node->parents[0] == leaf) return node;
  throw std::logic_error(fmt::format("nothing was looked up in {}", table));
}

std::vector<ExplainedStep> reach_of_words(ExactDerivatives& exact, const TakeApart& take_apart, int word) {
  const SentencePair& pair = exact.pass().pair();
  const Node<double>* node = embeddings_from(exact.pass(), "source_embedding.weight");
  const int words = static_cast<int>(pair.source.size()), width = node->shape.last();
  ExplainedStep embeddings{"d embeddings",
                           "what flows back to each source word's embedding",
                           "∂loss / ∂(the embedding of word i)",
                           pair.source,
                           {},
                           0,
                           {},
                           {},
                           0,
                           0,
                           {}};
  CheckedGradient gradient = gradient_on_tape(exact, words, width, [&](int i, int c) -> TapePlace {
    return {node->index, std::int64_t{i} * width + c};
  });
  embeddings.values = gradient.values;

  ExplainedStep reach{"reach",
                      "how much of ∂loss reaches each source word",
                      "√ Σ over c of (d embeddings[i,c])²",
                      pair.source,
                      {"norm"},
                      0,
                      {},
                      {},
                      word,
                      0,
                      {}};
  CheckedGradient norms{NumberMatrix(words, 1), NumberMatrix(words, 1), NumberMatrix(words, 1)};
  for (int i = 0; i < words; ++i) {
    norms.values(i, 0) = norm_of_row(gradient.values, i);
    norms.exact(i, 0) = norm_of_row(gradient.exact, i);
    norms.scale(i, 0) = norm_of_row(gradient.scale, i);
    norms.compare(norms.values(i, 0), norms.exact(i, 0), norms.scale(i, 0));
  }
  reach.values = norms.values;

  Formula cell;
  cell.address = fmt::format("reach[{},0]", word);
  cell.value = norms.values(word, 0);
  cell.expression = "√ Σ over c of (d embeddings[i,c])²";
  cell.operation = Combined::other;
  for (int c = 0; c < width; ++c) {
    const std::string address =
        to_text(take_apart.names().address_of(node->index, std::int64_t{word} * width + c, true));
    cell.terms.push_back(product({{address, address, gradient.values(word, c)}}));
  }
  cell.exact = norms.exact(word, 0);
  cell.agrees = norms.agrees;
  reach.cell = std::move(cell);
  embeddings.checked = std::move(gradient);
  reach.checked = std::move(norms);
  return {embeddings, reach};
}

}  // namespace qkv
