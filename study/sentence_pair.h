#pragma once

#include <string>
#include <vector>

#include "qkv/translation/saved_model.h"
#include "qkv/translation/source_sentence.h"

namespace qkv {

/// A sentence and a translation of it as a model reads and predicts them, as words to show and as ids.
struct SentencePair {
  std::vector<std::string> source;     ///< the words and `<eos>`
  std::vector<std::string> read;       ///< `<bos>` and the words: what the decoder reads
  std::vector<std::string> predicted;  ///< the words and `<eos>`: predicted[i] is what it has to predict behind read[i]
  std::vector<int> source_ids, read_ids, predicted_ids;
  std::vector<std::string> unknown_source, unknown_target;  ///< words that the model does not know: it sees `<unk>`
  bool own_translation = true;                              ///< of the model itself, not one that was given
  bool cut = false;  ///< its own translation was cut off: then no `<eos>` is predicted behind the last word
};

/// The sentence and the model's own translation of it, the most likely word after word.
/// Throws std::invalid_argument if the sentence is empty, or longer than the model's positions.
SentencePair pair_with_own_translation(const TrainedModel& trained, const SourceSentence& source);

/// The sentence and a translation that is given. Throws std::invalid_argument if one of them is empty, or longer than
/// the model's positions.
SentencePair pair_with_translation(const TrainedModel& trained, const SourceSentence& source,
                                   const SourceSentence& target);

}  // namespace qkv
