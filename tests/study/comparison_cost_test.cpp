#include "qkv/study/compare/comparison_cost.h"

#include <gtest/gtest.h>
#include <string_view>

#include "qkv/translation/models.h"

namespace qkv {
namespace {

/// The multiplications in the matrix products that are on the tape, counted from the shapes of its nodes: of linear
/// layers, of products of two values and of additive scores, and of the attentions that left a record: every query
/// with the keys that it may look at, S of them, or in causal attention those up to itself.
double products_on(const Tape<double>& tape) {
  double count = 0;
  for (const Node<double>* node = tape.last_node(); node != nullptr; node = node->previous) {
    const std::string_view name = node->name;
    if (name == "matmul" || name == "additive_scores")
      count += static_cast<double>(node->shape.size()) * node->parents[0]->shape.last();
    else if (name.starts_with("linear"))
      count += static_cast<double>(node->shape.size()) * node->parents[1]->shape.last();
  }
  for (const AttentionRecord<double>* record = tape.last_attention(); record != nullptr; record = record->previous) {
    if (record->scores) continue;  // its products are nodes of their own
    const double queries = record->queries.dim(1), keys = record->keys.dim(1), width = record->queries.last();
    const double pairs = record->kind == AttentionKind::causal ? queries * (queries + 1) / 2 : queries * keys;
    count += pairs * (width + record->values.last());
  }
  return count;
}

/// What the whole of reading and writing takes, and what the encoder alone takes.
MultiplyAdds counted(const Seq2Seq<double>& model, int source_length, int target_length) {
  const std::vector<int> source(static_cast<std::size_t>(source_length), 4),
      target(static_cast<std::size_t>(target_length), 4);
  const OneSequence read(source), written(target);
  Tape<double> all, encoder;
  {
    const Recording<double> recording(all);
    model.logits(read, written);
  }
  const Recording<double> recording(encoder);
  model.encode(read);
  const double of_encoder = products_on(encoder);
  return {of_encoder, products_on(all) - of_encoder};
}

TEST(ComparisonCost, IsTheSizeOfTheProductsOnTheTape) {
  RnnConfig rnn{
      .source_vocabulary = 9, .target_vocabulary = 11, .embedding = 6, .hidden = 10, .attention = std::nullopt};
  RnnConfig lstm = rnn, elman = rnn, dot = rnn, additive = rnn;
  lstm.cell = CellKind::lstm;
  elman.cell = CellKind::elman;
  dot.attention = Score::dot;
  additive.attention = Score::additive;
  const TransformerConfig transformer{.source_vocabulary = 9,
                                      .target_vocabulary = 11,
                                      .d_model = 8,
                                      .heads = 2,
                                      .layers = 3,
                                      .ff = 20,
                                      .max_positions = 32};
  for (const ModelConfig& config : std::vector<ModelConfig>{rnn, lstm, elman, dot, additive, transformer}) {
    const auto model = make_model<double>(config);
    model->parameters().initialise(1);
    for (const auto& [source, target] : {std::pair(1, 1), std::pair(4, 3), std::pair(7, 12)}) {
      const MultiplyAdds found = counted(*model, source, target), formula = multiply_adds(config, source, target);
      // The memory's keys and values, which the encoder's part holds, a Transformer computes in its decoder.
      const double memory = std::holds_alternative<TransformerConfig>(config) ? 3.0 * source * 2 * 8 * 8 : 0;
      EXPECT_EQ(formula.encoder, found.encoder + memory) << name_of(config) << " " << source << " " << target;
      EXPECT_EQ(formula.decoder, found.decoder - memory) << name_of(config) << " " << source << " " << target;
    }
  }
}

TEST(ComparisonCost, OfAFixedContextDoesNotGrowWithTheSource) {
  const RnnConfig rnn{.source_vocabulary = 9, .target_vocabulary = 11, .attention = std::nullopt};
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
