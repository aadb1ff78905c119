#pragma once

#include <string>
#include <vector>

#include "qkv/study/sentence_pass.h"
#include "qkv/translation/models.h"

namespace qkv {

/// Models of a few features, one for every way there is to build one, that have only been initialised: nothing in them
/// is small because it was learnt.
inline std::vector<std::pair<std::string, ModelConfig>> small_models() {
  const TransformerConfig plain{.d_model = 8, .heads = 2, .layers = 2, .ff = 12};
  TransformerConfig other = plain;
  other.norm = NormOrder::pre;
  other.activation = Activation::gelu;
  other.positions = Positions::learned;
  other.tie_embeddings = true;
  const auto rnn = [](CellKind cell, std::optional<Score> score) {
    return RnnConfig{.embedding = 5, .hidden = 6, .cell = cell, .attention = score};
  };
  return {{"Transformer", plain},
          {"PreNormGeluLearnedTied", other},
          {"GruDot", rnn(CellKind::gru, Score::dot)},
          {"LstmScaledDot", rnn(CellKind::lstm, Score::scaled_dot)},
          {"ElmanAdditive", rnn(CellKind::elman, Score::additive)},
          {"LstmFixedContext", rnn(CellKind::lstm, std::nullopt)}};
}

/// Such a model, and a pair of sentences for it in which words occur twice.
inline TrainedModel small_model(const ModelConfig& model) {
  const std::vector<Pair> pairs{{{"a", "b", "a", "c"}, {"x", "y", "x"}, {}}};
  TrainedModel trained{{}, Vocabulary(pairs, &Pair::source), Vocabulary(pairs, &Pair::target), nullptr, {}};
  trained.config.model = model;
  trained.model = make_model<float>(model_for(trained.config, trained.source.size(), trained.target.size()));
  trained.model->parameters().initialise(3);
  Random random(5);
  for (float& value : trained.model->parameters().values())  // biases too
    value += 0.2F * static_cast<float>(random.normal());
  return trained;
}

inline TrainedModel small_transformer() { return small_model(small_models().front().second); }

inline SentencePair small_pair(const TrainedModel& trained) {
  return pair_with_translation(trained, read_source("a b a c", trained.source), read_source("x y x", trained.target));
}

/// The head that a test looks at: the last of the last cross-attention, of a model that has one.
inline std::optional<std::string> last_cross_attention(const SentencePass& pass) {
  std::optional<std::string> layer;
  for (const AttentionRecord<double>* record : pass.attentions())
    if (record->kind == AttentionKind::cross) layer = record->layer;
  return layer;
}

}  // namespace qkv
