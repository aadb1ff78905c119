#include "qkv/study/compare/comparison_gradients.h"

#include <cmath>
#include <gtest/gtest.h>

#include "qkv/translation/models.h"

namespace qkv {
namespace {

const IdPair pair{{4, 5, 6, 7, eos_id}, {bos_id, 4, 5}, {4, 5, eos_id}};

std::vector<ModelConfig> small_models() {
  RnnConfig rnn{.source_vocabulary = 9, .target_vocabulary = 7, .embedding = 3, .hidden = 4, .attention = std::nullopt};
  RnnConfig lstm = rnn, dot = rnn, additive = rnn;
  lstm.cell = CellKind::lstm;
  dot.attention = Score::dot;
  additive.attention = Score::additive;
  const TransformerConfig transformer{.source_vocabulary = 9,
                                      .target_vocabulary = 7,
                                      .d_model = 4,
                                      .heads = 2,
                                      .layers = 2,
                                      .ff = 6,
                                      .max_positions = 16};
  return {rnn, lstm, dot, additive, transformer};
}

std::unique_ptr<Seq2Seq<double>> made(const ModelConfig& config) {
  auto model = make_model<double>(config);
  model->parameters().initialise(3);
  return model;
}

/// What is differentiated: rows of numbers, computed from the model as it is.
using Rows = std::vector<std::vector<double>>;

Rows rows_of(Var<double> value) {
  Rows rows;
  for (int i = 0; i < value.rows().rows; ++i)
    rows.emplace_back(value.rows().row(i), value.rows().row(i) + value.rows().columns);
  return rows;
}

template <class Compute>
Rows on_a_tape(const Compute& compute) {
  Tape<double> tape;
  const Recording<double> recording(tape);
  return compute(OneSequence(pair.source), OneSequence(pair.target));
}

std::size_t index_of(const Parameters<double>& parameters, const std::string& name) {
  for (std::size_t i = 0; i < parameters.entries().size(); ++i)
    if (parameters.entries()[i].name == name) return i;
  ADD_FAILURE() << "no parameter " << name;
  return 0;
}

/// The norms of each row's Jacobian by each source word's embedding, by central differences in the table of embeddings.
template <class Compute>
NormMatrix by_differences(Seq2Seq<double>& model, const ModelConfig& config, const Compute& compute) {
  constexpr double step = 1e-5;
  const std::span<double> table = model.parameters().values(index_of(model.parameters(), "source_embedding.weight"));
  const std::size_t width = table.size() / 9, words = pair.source.size();
  const bool is_transformer = std::holds_alternative<TransformerConfig>(config);
  const double factor = is_transformer ? std::sqrt(static_cast<double>(width)) : 1.0;
  const Rows at = on_a_tape(compute);
  NormMatrix matrix{static_cast<int>(at.size()), static_cast<int>(words), {}};
  matrix.norms.assign(at.size() * words, 0.0);
  for (std::size_t i = 0; i < words; ++i)
    for (std::size_t k = 0; k < width; ++k) {
      double& number = table[static_cast<std::size_t>(pair.source[i]) * width + k];
      const double before = number;
      number = before + step;
      const Rows above = on_a_tape(compute);
      number = before - step;
      const Rows below = on_a_tape(compute);
      number = before;
      for (std::size_t row = 0; row < at.size(); ++row)
        for (std::size_t c = 0; c < at[row].size(); ++c) {
          const double derivative = (above[row][c] - below[row][c]) / (2 * step) / factor;
          matrix.norms[row * words + i] += derivative * derivative;
        }
    }
  for (double& norm : matrix.norms) norm = std::sqrt(norm);
  return matrix;
}

void expect_same(const NormMatrix& exact, const NormMatrix& differences, const std::string& what) {
  ASSERT_EQ(exact.rows, differences.rows) << what;
  ASSERT_EQ(exact.columns, differences.columns) << what;
  double largest = 0;
  for (int i = 0; i < exact.rows; ++i)
    for (int j = 0; j < exact.columns; ++j) {
      EXPECT_NEAR(exact(i, j), differences(i, j), 1e-7) << what << ", row " << i << ", word " << j;
      largest = std::max(largest, exact(i, j));
    }
  EXPECT_GT(largest, 1e-3) << what;
}

/// −log softmax(logits)[word] of each target token.
std::vector<double> word_losses(const Rows& logits) {
  std::vector<double> losses;
  for (std::size_t t = 0; t < logits.size(); ++t) {
    double sum = 0;
    for (const double logit : logits[t]) sum += std::exp(logit);
    losses.push_back(std::log(sum) - logits[t][static_cast<std::size_t>(pair.predicted[t])]);
  }
  return losses;
}

TEST(ComparisonGradients, OfTheLossAreWhatDifferencesSay) {
  for (const ModelConfig& config : small_models()) {
    const auto model = made(config);
    const auto losses = [&](const Tokens& source, const Tokens& target) {
      Rows rows;
      for (const double loss : word_losses(rows_of(model->logits(source, target)))) rows.push_back({loss});
      return rows;
    };
    expect_same(word_loss_gradient_norms(*model, pair), by_differences(*model, config, losses), name_of(config));
    const auto loss = [&](const Tokens& source, const Tokens& target) {
      double mean = 0;
      for (const auto& row : losses(source, target)) mean += row[0] / 3;
      return Rows{{mean}};
    };
    expect_same(loss_gradient_norms(*model, pair), by_differences(*model, config, loss), name_of(config));
  }
}

TEST(ComparisonGradients, OfEncoderStatesAreWhatDifferencesSay) {
  for (const ModelConfig& config : small_models()) {
    const auto model = made(config);
    const auto states = [&](const Tokens& source, const Tokens&) { return rows_of(model->encode(source)); };
    expect_same(encoder_jacobian_norms(*model, pair), by_differences(*model, config, states), name_of(config));
  }
}

TEST(ComparisonGradients, OfWhatTheGeneratorReadsAreWhatDifferencesSay) {
  for (const ModelConfig& config : small_models()) {
    const auto model = made(config);
    const auto states = [&](const Tokens& source, const Tokens& target) {
      const Var<double> logits = model->logits(source, target);
      const Rows read = rows_of(Var<double>(logits.node()->parents[0])), wanted = rows_of(logits);
      // It is what the generator reads: logits = x Wᵀ + b.
      const auto weight = model->parameters().values(index_of(model->parameters(), "generator.weight"));
      const auto bias = model->parameters().values(index_of(model->parameters(), "generator.bias"));
      for (std::size_t word = 0; word < bias.size(); ++word) {
        double logit = bias[word];
        for (std::size_t k = 0; k < read[0].size(); ++k) logit += weight[word * read[0].size() + k] * read[0][k];
        EXPECT_NEAR(logit, wanted[0][word], 1e-12);
      }
      return read;
    };
    expect_same(decoder_jacobian_norms(*model, pair), by_differences(*model, config, states), name_of(config));
  }
}

TEST(ComparisonGradients, ARecurrentStateDoesNotDependOnLaterWords) {
  for (const ModelConfig& config : small_models()) {
    const NormMatrix norms = encoder_jacobian_norms(*made(config), pair);
    const bool is_recurrent = std::holds_alternative<RnnConfig>(config);
    for (int j = 0; j < norms.rows; ++j)
      for (int i = 0; i < norms.columns; ++i) EXPECT_EQ(norms(j, i) == 0, is_recurrent && i > j) << name_of(config);
  }
}

TEST(ComparisonGradients, CurvesAreMeansBySentenceAndShareOneMean) {
  const TrainedModel trained = load_run(QKV_SOURCE_DIR "/docs/checkpoint/rnn-attention");
  const Pair first{{"저는", "새", "집을", "봅니다", "."},
                   {"I", "see", "a", "new", "house", "."},
                   {{0, 0, true}, {3, 1, true}, {1, 3, true}, {2, 4, true}, {4, 5, true}, {2, 2, false}}};
  const std::vector<GradientCurve> curves = gradient_curves({&trained}, {first}, {first}, never_stopped);
  ASSERT_EQ(curves.size(), 5U);
  const IdPair ids = ids_of(first, trained.source, trained.target);
  const NormMatrix loss = loss_gradient_norms(*trained.model, ids);
  EXPECT_EQ(curves[0].of, "loss");
  EXPECT_EQ(curves[0].by, "end");
  ASSERT_EQ(curves[0].points.size(), 5U);
  double mean = 0;
  for (int i = 0; i < 5; ++i) mean += loss(0, i) / 5;
  for (const GradientPoint& point : curves[0].points) {
    EXPECT_EQ(point.norm.value, loss(0, 4 - point.distance));
    EXPECT_NEAR(point.share.value, point.norm.value / mean, 1e-12);
  }
  // Encoder states by |i − j|: at distance 4 the last state by the first word, the other way round there is nothing.
  const NormMatrix states = encoder_jacobian_norms(*trained.model, ids);
  EXPECT_EQ(curves[2].points.back().distance, 4);
  EXPECT_EQ(curves[2].points.back().norm.value, states(4, 0));
  // By the link: word 1, "see", is linked to word 3; distance 3 has word 0 and, of the other links, what is as far.
  const NormMatrix words = word_loss_gradient_norms(*trained.model, ids);
  double at_link = 0;
  for (const auto& [t, k] : {std::pair(0, 0), std::pair(1, 3), std::pair(3, 1), std::pair(4, 2), std::pair(5, 4)})
    at_link += words(t, k) / 5;
  EXPECT_EQ(curves[1].points.front().distance, 0);
  EXPECT_NEAR(curves[1].points.front().norm.value, at_link, 1e-9);
}

TEST(ComparisonGradients, WithoutGoldLinksThereIsNoCurveByLinks) {
  const TrainedModel trained = load_run(QKV_SOURCE_DIR "/docs/checkpoint/rnn");
  const Pair plain{{"저는", "새", "집을", "봅니다", "."}, {"I", "see", "a", "new", "house", "."}, {}};
  for (const GradientCurve& curve : gradient_curves({&trained}, {plain}, {plain}, never_stopped))
    EXPECT_NE(curve.by, "link");
}

}  // namespace
}  // namespace qkv
