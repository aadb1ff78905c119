#include "qkv/study/comparison_cost.h"

#include <gtest/gtest.h>
#include <string_view>

#include "qkv/translation/models.h"

namespace qkv {
namespace {

/// The multiplications in the matrix products that are on the tape, counted from the shapes of its nodes: a linear
/// layer's, and the scores and values of an attention that looks at `keys` words. Additive scores are counted as one.
double products_on(const Tape<double>& tape, int keys) {
  double count = 0;
  for (const Node<double>* node = tape.last_node(); node != nullptr; node = node->previous) {
    const std::string_view name = node->name;
    const Shape& shape = node->shape;
    if (name == "attention") {
      const double queries = shape.dim(0) * shape.dim(1);
      count += queries * keys * (node->parents[0]->shape.last() + shape.last());
    } else if (name == "matmul" || name == "additive_scores") {
      count += static_cast<double>(shape.size()) * node->parents[0]->shape.last();
    } else if (name.starts_with("linear")) {
      count += static_cast<double>(shape.size()) * node->parents[1]->shape.last();
    }
  }
  return count;
}

struct Counted {
  double encoder = 0, decoder = 0;
};

/// What decoding word by word does, for a source of S and a target of T tokens.
Counted counted(const Seq2Seq<double>& model, int source_length, int target_length) {
  std::vector<int> source(static_cast<std::size_t>(source_length), 4);
  source.back() = eos_id;
  Counted count;
  Tape<double> tape;
  const Recording<double> recording(tape);
  const auto decoding = model.decode({source, 1, source_length, std::span(&source_length, 1)}, target_length);
  count.encoder = products_on(tape, source_length);
  const int word = 4;
  for (int t = 1; t <= target_length; ++t) {
    const Scope<double> scope(tape);
    const double before = products_on(tape, source_length);
    decoding->next(std::span(&word, 1));
    // Self-attention looks at t words, cross-attention at S: each is asked for by what it looks at.
    double step = products_on(tape, source_length) - before;
    for (const AttentionRecord<double>* record = tape.last_attention(); record != nullptr; record = record->previous)
      if (record->kind == AttentionKind::causal) step += 2.0 * (t - source_length) * record->queries.last();
    count.decoder += step;
  }
  return count;
}

TEST(ComparisonCost, IsTheSizeOfTheProductsOnTheTape) {
  RnnConfig rnn{.source_words = 9, .target_words = 11, .embedding = 6, .hidden = 10, .attention = std::nullopt};
  RnnConfig lstm = rnn, elman = rnn, dot = rnn, additive = rnn;
  lstm.cell = CellKind::lstm;
  elman.cell = CellKind::elman;
  dot.attention = Score::dot;
  additive.attention = Score::additive;
  const TransformerConfig transformer{
      .source_words = 9, .target_words = 11, .d_model = 8, .heads = 2, .layers = 3, .ff = 20, .max_positions = 32};
  for (const ModelConfig& config : std::vector<ModelConfig>{rnn, lstm, elman, dot, additive, transformer}) {
    const auto model = make_model<double>(config);
    model->parameters().initialise(1);
    for (const auto& [source, target] : {std::pair(1, 1), std::pair(4, 3), std::pair(7, 12)}) {
      const Counted found = counted(*model, source, target);
      const MultiplyAdds formula = multiply_adds(config, source, target);
      EXPECT_EQ(formula.encoder, found.encoder) << name_of(config) << " " << source << " " << target;
      EXPECT_EQ(formula.decoder, found.decoder) << name_of(config) << " " << source << " " << target;
    }
  }
}

TEST(ComparisonCost, OfAFixedContextDoesNotGrowWithTheSource) {
  const RnnConfig rnn{.source_words = 9, .target_words = 11, .attention = std::nullopt};
  RnnConfig attention = rnn;
  attention.attention = Score::dot;
  EXPECT_EQ(multiply_adds(rnn, 3, 10).decoder, multiply_adds(rnn, 30, 10).decoder);
  EXPECT_EQ(multiply_adds(attention, 30, 10).decoder - multiply_adds(attention, 3, 10).decoder, 10 * 2 * 27 * 128);
  EXPECT_THROW(multiply_adds(rnn, 0, 1), std::invalid_argument);
}

TEST(ComparisonCost, IsPerTokenOfTheSentences) {
  const TrainedModel trained = load_run(QKV_SOURCE_DIR "/docs/checkpoint/transformer");
  const Pair pair{{"저는", "새", "집을", "봅니다", "."}, {"I", "see", "a", "new", "house", "."}, {}};
  const CostRow row = cost_of(trained, {pair, pair}, "5");
  const MultiplyAdds all = multiply_adds(model_for(trained.config, trained.source.size(), trained.target.size()), 6, 7);
  EXPECT_EQ(row.n, 2U);
  EXPECT_EQ(row.source_words, 5);
  EXPECT_EQ(row.target_words, 6);
  EXPECT_NEAR(row.multiply_adds, all.total() / 7, 1e-6);
  EXPECT_NEAR(row.encoder_multiply_adds, all.encoder / 7, 1e-6);
  EXPECT_GT(row.microseconds.value, 0);
}

}  // namespace
}  // namespace qkv
