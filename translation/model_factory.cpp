#include "qkv/translation/model_factory.h"

#include <algorithm>

#include "qkv/translation/decoding.h"
#include "qkv/translation/rnn_seq2seq.h"
#include "qkv/translation/transformer.h"

namespace qkv {

int positions_of(const TrainingConfig& config) {
  return std::max(TransformerConfig{}.max_positions, most_words(config.max_length) + 2);
}

template <class T>
std::unique_ptr<Seq2Seq<T>> make_model(const TrainingConfig& config, int source_words, int target_words,
                                       const ParameterCheck& check_new) {
  check_settings(config);
  if (config.model != ModelKind::transformer)
    return std::make_unique<RnnSeq2Seq<T>>(RnnConfig{.source_words = source_words,
                                                     .target_words = target_words,
                                                     .embedding = config.embedding,
                                                     .hidden = config.hidden,
                                                     .cell = config.cell,
                                                     .attention = config.model == ModelKind::rnn_attention,
                                                     .score = config.score,
                                                     .dropout = config.dropout},
                                           check_new);
  return std::make_unique<Transformer<T>>(TransformerConfig{.source_words = source_words,
                                                            .target_words = target_words,
                                                            .d_model = config.d_model,
                                                            .heads = config.heads,
                                                            .layers = config.layers,
                                                            .ff = config.ff,
                                                            .dropout = config.dropout,
                                                            .norm = config.norm,
                                                            .activation = config.activation,
                                                            .positions = config.positions,
                                                            .tie_embeddings = config.tie_embeddings,
                                                            .max_positions = positions_of(config)},
                                          check_new);
}

template std::unique_ptr<Seq2Seq<float>> make_model<float>(const TrainingConfig&, int, int, const ParameterCheck&);
template std::unique_ptr<Seq2Seq<double>> make_model<double>(const TrainingConfig&, int, int, const ParameterCheck&);
template std::unique_ptr<Seq2Seq<DualDouble>> make_model<DualDouble>(const TrainingConfig&, int, int,
                                                                     const ParameterCheck&);

}  // namespace qkv
