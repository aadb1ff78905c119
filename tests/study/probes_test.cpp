// The probes, on every kind of model, and on models that are broken on purpose.

#include "study/probes.h"

#include <gtest/gtest.h>

#include "layers/transformer_encoder.h"
#include "train/model_factory.h"

namespace qkv {
namespace {

constexpr int words = 12;
const ProbePair short_pair{{5, 7, 4, 2}, {1, 6, 9, 4}};
const ProbePair long_pair{{8, 4, 11, 6, 5, 9, 2}, {1, 4, 8, 10, 7, 6}};

std::unique_ptr<Seq2Seq<double>> model_of(TrainingConfig config) {
  config.d_model = 16;
  config.heads = 2;
  config.ff = 24;
  config.embedding = 10;
  config.hidden = 14;
  auto model = make_model<double>(config, words, words);
  model->parameters().initialise(3);
  return model;
}

std::vector<TrainingConfig> all_kinds() {
  std::vector<TrainingConfig> kinds;
  for (const NormOrder norm : {NormOrder::post, NormOrder::pre}) kinds.emplace_back().norm = norm;
  for (const CellKind cell : {CellKind::gru, CellKind::lstm, CellKind::elman})
    for (const ModelKind model : {ModelKind::rnn, ModelKind::rnn_attention}) {
      TrainingConfig& config = kinds.emplace_back();
      config.model = model;
      config.cell = cell;
    }
  for (const Score score : {Score::scaled_dot, Score::additive}) {
    TrainingConfig& config = kinds.emplace_back();
    config.model = ModelKind::rnn_attention;
    config.score = score;
  }
  return kinds;
}

TEST(Probes, EveryModelIsCausalAndIndifferentToPadding) {
  for (const TrainingConfig& config : all_kinds()) {
    const auto model = model_of(config);
    const std::string name = to_json(config).dump();
    EXPECT_EQ(probe_causality(*model, long_pair, 5), Findings()) << name;
    EXPECT_EQ(probe_padding(*model, short_pair, long_pair, 1e-13), Findings()) << name;
  }
}

TEST(Probes, LengthOneWorks) {
  for (const TrainingConfig& config : all_kinds())
    EXPECT_EQ(probe_padding(*model_of(config), {{2}, {1}}, long_pair, 1e-13), Findings()) << to_json(config).dump();
}

TEST(Probes, GradientsReachEveryEncoderStateWhereThereIsAttention) {
  for (const TrainingConfig& config : all_kinds()) {
    const Findings expected =
        config.model == ModelKind::rnn ? Findings{"the model has no attention over the encoder's states"} : Findings{};
    EXPECT_EQ(probe_encoder_gradients(*model_of(config), long_pair), expected) << to_json(config).dump();
  }
}

TEST(Probes, EveryParameterLearnsExceptTheBiasOfKeys) {
  for (const TrainingConfig& config : all_kinds())
    for (const UntouchedParameter& parameter : probe_parameter_gradients(*model_of(config), long_pair, 1e-14)) {
      EXPECT_NE(parameter.reason, "") << parameter.name << " in " << to_json(config).dump();
      EXPECT_TRUE(parameter.name.ends_with("key.bias")) << parameter.name;
    }
  TrainingConfig transformer;
  EXPECT_EQ(probe_parameter_gradients(*model_of(transformer), long_pair, 1e-14).size(), 6U);  // 2 · 3 attentions
}

TEST(Probes, AnEncoderWithoutPositionsTreatsItsWordsAsASet) {
  const TransformerConfig config{.d_model = 16, .heads = 2, .layers = 2, .ff = 24};
  Parameters<double> parameters;
  const TransformerEncoder<double> encoder(parameters.root() / "encoder", config);
  const PositionalEncoding<double> positions(parameters.root() / "positions", Positions::sinusoidal, 8, 16);
  parameters.initialise(1);
  const std::vector<int> order{3, 0, 4, 1, 2};
  const auto without = [&](Var<double> x) { return encoder(x, Mask::none()); };
  const auto with = [&](Var<double> x) { return encoder(positions(x), Mask::none()); };
  EXPECT_EQ(probe_permutation<double>(without, 16, order, 1e-13), Findings());
  EXPECT_EQ(probe_permutation<double>(with, 16, order, 1e-13).size(), order.size());
}

/// A model whose words see the ones after them, and the padding: what the probes are there to find.
class Leaky : public Seq2Seq<double> {
 public:
  explicit Leaky(std::unique_ptr<Seq2Seq<double>> model) : model_(std::move(model)) {}

  Var<double> logits(const Tokens& source, const Tokens& target) const override {
    std::vector<int> reversed(target.ids.rbegin(), target.ids.rend());
    const std::vector<int> full(static_cast<std::size_t>(target.sentences), target.length);
    return model_->logits(source, {reversed, target.sentences, target.length, full});
  }
  std::unique_ptr<Decoding<double>> decode(const Tokens& source, int max_words) const override {
    return model_->decode(source, max_words);
  }

 private:
  std::unique_ptr<Seq2Seq<double>> model_;
};

TEST(Probes, FindLeaks) {
  const Leaky leaky(model_of({}));
  const Findings causality = probe_causality(leaky, long_pair, 5);
  ASSERT_FALSE(causality.empty());
  EXPECT_EQ(causality.back(), "changing target word 5 changes the logits of word 0");
  EXPECT_EQ(probe_padding(leaky, short_pair, long_pair, 1e-13).size(), 2U);
}

}  // namespace
}  // namespace qkv
