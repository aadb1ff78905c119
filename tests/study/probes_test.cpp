// The probes, on every kind of model, and on models that are broken on purpose.

#include "qkv/study/probes.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "qkv/autograd/ops/attention.h"
#include "qkv/layers/embedding.h"
#include "qkv/layers/linear.h"
#include "qkv/layers/transformer_encoder.h"
#include "qkv/translation/training_config.h"

namespace qkv {
namespace {

constexpr int words = 12;
const ProbePair short_pair{{5, 7, 4, 2}, {1, 6, 9, 4}};
const ProbePair long_pair{{8, 4, 11, 6, 5, 9, 2}, {1, 4, 8, 10, 7, 6}};

template <class T = double>
std::unique_ptr<Seq2Seq<T>> model_of(const ModelConfig& config) {
  auto model = make_model<T>(config);
  model->parameters().initialise(3);
  return model;
}

TransformerConfig transformer(NormOrder norm) {
  return {.source_vocabulary = words, .target_vocabulary = words, .d_model = 16, .heads = 2, .ff = 24, .norm = norm};
}

RnnConfig rnn(CellKind cell, std::optional<Score> attention) {
  return {.source_vocabulary = words,
          .target_vocabulary = words,
          .embedding = 10,
          .hidden = 14,
          .cell = cell,
          .attention = attention};
}

std::vector<ModelConfig> all_kinds() {
  std::vector<ModelConfig> kinds{transformer(NormOrder::post), transformer(NormOrder::pre)};
  for (const CellKind cell : {CellKind::gru, CellKind::lstm, CellKind::elman})
    for (const std::optional<Score> attention : {std::optional<Score>(), std::optional(Score::dot)})
      kinds.emplace_back(rnn(cell, attention));
  for (const Score score : {Score::scaled_dot, Score::additive}) kinds.emplace_back(rnn(CellKind::gru, score));
  TransformerConfig other = transformer(NormOrder::post);
  other.activation = Activation::gelu;
  other.positions = Positions::learned;
  other.tie_embeddings = true;
  kinds.emplace_back(other);
  return kinds;
}

/// Its settings, for messages.
std::string text_of(const ModelConfig& config) {
  TrainingConfig settings;
  settings.model = config;
  return to_json(settings).dump();
}

/// Up to this part of the largest, numbers are the same, and gradients are zero.
template <class T>
constexpr double rounding = std::is_same_v<T, float> ? 1e-5 : 1e-13;
template <class T>
constexpr double zero = std::is_same_v<T, float> ? 1e-6 : 1e-14;

template <class T>
class ProbesOfModels : public testing::Test {};
using Scalars = testing::Types<float, double>;
TYPED_TEST_SUITE(ProbesOfModels, Scalars);

TYPED_TEST(ProbesOfModels, EveryModelIsCausalAndIndifferentToPadding) {
  for (const ModelConfig& config : all_kinds()) {
    const auto model = model_of<TypeParam>(config);
    const std::string name = text_of(config);
    EXPECT_EQ(probe_causality(*model, long_pair, 5), Findings()) << name;
    EXPECT_EQ(probe_padding(*model, short_pair, long_pair, rounding<TypeParam>), Findings()) << name;
  }
}

TYPED_TEST(ProbesOfModels, VocabulariesOfUnlikeSizesArePaddedWithTheirOwnWords) {
  for (ModelConfig config : all_kinds()) {
    std::visit([](auto& sized) { sized.source_vocabulary = 40; }, config);
    const ProbePair last_source_words{{39, 38, 37, 36, 35, 34, 33}, long_pair.target};
    EXPECT_EQ(probe_padding(*model_of<TypeParam>(config), short_pair, last_source_words, rounding<TypeParam>),
              Findings())
        << text_of(config);
  }
}

TYPED_TEST(ProbesOfModels, LengthOneWorks) {
  for (const ModelConfig& config : all_kinds())
    EXPECT_EQ(probe_padding(*model_of<TypeParam>(config), {{2}, {1}}, long_pair, rounding<TypeParam>), Findings())
        << text_of(config);
}

TYPED_TEST(ProbesOfModels, GradientsReachEveryEncoderStateWhereThereIsAttention) {
  for (const ModelConfig& config : all_kinds()) {
    const Findings expected = cross_attention(config).layers == 0
                                  ? Findings{"the model has no attention over the encoder's states"}
                                  : Findings{};
    EXPECT_EQ(probe_encoder_gradients(*model_of<TypeParam>(config), long_pair), expected) << text_of(config);
  }
}

TYPED_TEST(ProbesOfModels, EveryParameterLearnsExceptTheBiasOfKeys) {
  for (const ModelConfig& config : all_kinds())
    for (const ZeroGradient& parameter :
         probe_parameter_gradients(*model_of<TypeParam>(config), long_pair, zero<TypeParam>)) {
      EXPECT_NE(parameter.reason, "") << parameter.input << " in " << text_of(config);
      EXPECT_TRUE(parameter.input.ends_with("key.bias")) << parameter.input;
    }
  EXPECT_EQ(
      probe_parameter_gradients(*model_of<TypeParam>(transformer(NormOrder::post)), long_pair, zero<TypeParam>).size(),
      6U);  // 2 · 3 attentions
}

TEST(Probes, AnEncoderWithoutPositionsTreatsItsWordsAsASet) {
  const StackConfig config{.d_model = 16, .heads = 2, .layers = 2, .ff = 24};
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
    const std::vector<int> full(static_cast<std::size_t>(target.batch), target.length);
    return model_->logits(source, {reversed, target.batch, target.length, full});
  }
  std::unique_ptr<Decoding<double>> decode(const Tokens& source, int max_words) const override {
    return model_->decode(source, max_words);
  }

 private:
  std::unique_ptr<Seq2Seq<double>> model_;
};

TEST(Probes, FindLeaks) {
  const Leaky leaky(model_of(transformer(NormOrder::post)));
  const Findings causality = probe_causality(leaky, long_pair, 5);
  ASSERT_FALSE(causality.empty());
  EXPECT_EQ(causality.back(), "changing target word 5 changes the logits of word 0");
  EXPECT_EQ(probe_padding(leaky, short_pair, long_pair, 1e-13).size(), 2U);
}

enum class Mistake { none, key_not_used, last_word_hidden };

/// Target words ask source words, nothing else; with a mistake in it.
class SmallModel : public Seq2Seq<double> {
 public:
  explicit SmallModel(Mistake mistake) : mistake_(mistake) { parameters().initialise(5); }

  Var<double> logits(const Tokens& source, const Tokens& target) const override {
    const InModule here(module_);
    const Var<double> states = source_(source);
    std::vector<int> lengths(source.lengths.begin(), source.lengths.end());
    if (mistake_ == Mistake::last_word_hidden) --lengths[0];
    const bool uses_key = mistake_ != Mistake::key_not_used;
    AttentionRecord<double> record{.layer = module_.c_str(), .kind = AttentionKind::cross};
    record.queries = query_(target_(target));
    record.keys = uses_key ? key_(states) : states;
    record.values = value_(states);
    if (uses_key) record.key_bias = key_.bias()();
    const auto attended = attention(record.queries, record.keys, record.values, Mask::padding(lengths), 1, 1.0);
    record.weights = attended.weights;
    record.leave();
    return generator_(attended.output);
  }
  std::unique_ptr<Decoding<double>> decode(const Tokens&, int) const override { return nullptr; }

 private:
  std::string module_ = "cross_attention";
  Mistake mistake_;
  Path<double> path_ = parameters().root();
  Embedding<double> source_{path_ / "source_embedding", words, 8}, target_{path_ / "target_embedding", words, 8};
  Linear<double> query_{path_ / "query", 8, 8}, key_{path_ / "key", 8, 8}, value_{path_ / "value", 8, 8};
  Linear<double> generator_{path_ / "generator", 8, words};
};

TEST(Probes, FindAKeyThatIsNotUsed) {
  const auto untouched = probe_parameter_gradients(SmallModel(Mistake::none), long_pair, 1e-14);
  ASSERT_EQ(untouched.size(), 1U);
  EXPECT_EQ(untouched[0].input, "key.bias");
  EXPECT_NE(untouched[0].reason, "");
  const auto unused = probe_parameter_gradients(SmallModel(Mistake::key_not_used), long_pair, 1e-14);
  ASSERT_EQ(unused.size(), 2U);
  EXPECT_EQ(unused[0].input, "key.weight");
  EXPECT_EQ(unused[1].input, "key.bias");
  for (const ZeroGradient& parameter : unused) EXPECT_EQ(parameter.reason, "") << parameter.input;
}

TEST(Probes, FindASourceWordThatNobodyCanAsk) {
  EXPECT_EQ(probe_encoder_gradients(SmallModel(Mistake::none), long_pair), Findings());
  EXPECT_EQ(probe_encoder_gradients(SmallModel(Mistake::last_word_hidden), long_pair),
            Findings{"no gradient reaches source word 6 through cross_attention"});
}

}  // namespace
}  // namespace qkv
