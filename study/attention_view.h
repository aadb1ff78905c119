#pragma once

#include <optional>
#include <string>
#include <vector>

#include "qkv/autograd/attention_record.h"
#include "qkv/translation/saved_model.h"

namespace qkv {

/// The weights of one head, or the mean of all heads of a layer, for one sentence.
struct AttentionView {
  std::string title;  ///< what is shown, for people
  int layer = 0;
  std::optional<int> head;           ///< nothing: the mean of the heads
  std::vector<std::string> rows;     ///< the words that ask
  std::vector<std::string> columns;  ///< the words that are asked
  std::vector<float> weights;        ///< [rows, columns]
};

/// "cross-attention", "encoder self-attention", "decoder self-attention".
const char* title_of(AttentionKind kind);

/// All layers and heads of one kind, the encoder's (self), the decoder's (causal) or the decoder's over the encoder's
/// words (cross), for a source and its translation, which is fed in. A row of cross-attention is
/// named by the word that is predicted there, the last one by `<eos>`; if the translation was cut, there is none for
/// it.
std::vector<AttentionView> attention_views(const TrainedModel& trained, const Sentence& source, const Sentence& target,
                                           AttentionKind kind, bool cut = false);

/// One of them: of the layer and head given. Without a layer, the last; without a head, the mean of all. With neither,
/// cross-attention is read where its links were best on the validation set, if they were measured there.
/// Throws std::invalid_argument if there is no such layer or head.
AttentionView attention_view(const TrainedModel& trained, const Sentence& source, const Sentence& target,
                             AttentionKind kind, std::optional<int> layer, std::optional<int> head, bool cut = false);

/// The mean entropy of its rows, −Σ w ln w in nats: 0 where each row looks at one word, ln(columns) where all look at
/// all alike.
double mean_entropy(const AttentionView& view);

/// The head whose weights are the sharpest, which is of the lowest mean entropy, of this layer or else of all.
/// Throws std::invalid_argument if there is no such layer.
AttentionView sharpest_view(const TrainedModel& trained, const Sentence& source, const Sentence& target,
                            AttentionKind kind, std::optional<int> layer, bool cut = false);

/// The link of each target word that has a gold link: the source word with the largest weight in the reading chosen on
/// the validation set, the target fed in. These are the links that the alignment error rate judges, between what
/// JudgedLinks(pair, trained.tokenisers) compares.
/// Throws std::invalid_argument if none was chosen.
std::vector<Link> found_links(const TrainedModel& trained, const Pair& pair);

}  // namespace qkv
