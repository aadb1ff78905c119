#include "qkv/study/explain/reach_of_words.h"

#include <cmath>
#include <fmt/format.h>

namespace qkv {
namespace {

double norm_of_row(const NumberMatrix& matrix, int i) {
  double sum = 0;
  for (int c = 0; c < matrix.columns; ++c) sum += matrix(i, c) * matrix(i, c);
  return std::sqrt(sum);
}

}  // namespace

ExplainedStep reach_of_words(const SentencePass& pass, const TakeApart& take_apart, int word) {
  const std::vector<std::string>& words = pass.pair().source;
  const auto reach = [&](int i) { return take_apart.formula(fmt::format("reach[{}]", i)); };
  const NumberMatrix norms(static_cast<int>(words.size()), 1, [&](int i, int) { return reach(i).value; });
  return {"reach",
          "how much of ∂loss reaches each source word",
          "√ Σ over c of (d embeddings[i,c])²",
          words,
          {"norm"},
          0,
          0,
          norms,
          reach(word),
          word,
          0,
          {}};
}

std::vector<ExplainedStep> checked_reach_of_words(ExactDerivatives& exact, const TakeApart& take_apart, int word) {
  const std::vector<std::string>& words = exact.pass().pair().source;
  const int width = take_apart.names().sizes_of("embeddings").back();
  CheckedGradient gradient = gradient_on_tape(exact, static_cast<int>(words.size()), width, [&](int i, int c) {
    const NamedValues::Place place = take_apart.names().find({false, "embeddings", {i, c}});
    return TapePlace{place.quantity, place.element};
  });
  ExplainedStep reach = reach_of_words(exact.pass(), take_apart, word);
  CheckedGradient norms{reach.values, reach.values, reach.values};
  for (int i = 0; i < norms.values.rows; ++i) {
    norms.exact(i, 0) = norm_of_row(gradient.exact, i);
    norms.scale(i, 0) = norm_of_row(gradient.scale, i);
    norms.compare(norms.values(i, 0), norms.exact(i, 0), norms.scale(i, 0));
  }
  reach.cell->exact = norms.exact(word, 0);
  reach.cell->agrees = norms.agrees;
  reach.checked = std::move(norms);

  Formula cell = take_apart.formula(fmt::format("d {}", address_in("embeddings", word, 0)));
  cell.exact = gradient.exact(word, 0);
  cell.agrees = gradient.agrees;
  ExplainedStep embeddings{"d embeddings",
                           "what flows back to each source word's embedding",
                           "∂loss / ∂(the embedding of word i)",
                           words,
                           {},
                           0,
                           0,
                           gradient.values,
                           std::move(cell),
                           word,
                           0,
                           gradient};
  return {std::move(embeddings), std::move(reach)};
}

}  // namespace qkv
