#include "qkv/study/sentence_pair.h"

#include "qkv/files/message.h"
#include "qkv/translation/decoding.h"

namespace qkv {
namespace {

SentencePair with_source(const TrainedModel& trained, const SourceSentence& source) {
  check(!source.words.empty(), "the sentence is empty: there is nothing to attend to");
  const int most = trained.model->most_source_words(), words = static_cast<int>(source.words.size());
  check(words <= most, "a sentence of {} is longer than this model can read: {}",
        counted(words, name_of_token(*trained.tokenisers.source)), most);
  SentencePair pair;
  pair.source = source.words;
  pair.source.emplace_back("<eos>");
  pair.source_ids = trained.source.encode_with_eos(source.words);
  pair.unknown_source = source.unknown;
  return pair;
}

/// Without the last word if the translation was cut behind it: nothing was predicted there.
void add_target(SentencePair& pair, const std::vector<std::string>& words, const std::vector<int>& ids) {
  pair.read = {"<bos>"};
  pair.read_ids = {bos_id};
  const auto end = static_cast<std::ptrdiff_t>(words.size()) - (pair.cut ? 1 : 0);
  pair.read.insert(pair.read.end(), words.begin(), words.begin() + end);
  pair.read_ids.insert(pair.read_ids.end(), ids.begin(), ids.begin() + end);
  pair.predicted = words;
  pair.predicted_ids = ids;
  if (pair.cut) return;
  pair.predicted.emplace_back("<eos>");
  pair.predicted_ids.push_back(eos_id);
}

}  // namespace

SentencePair pair_with_own_translation(const TrainedModel& trained, const SourceSentence& source) {
  SentencePair pair = with_source(trained, source);
  const Translation translation =
      translate(*trained.model, OneSequence(pair.source_ids), most_words(static_cast<int>(source.words.size())));
  pair.cut = translation.cut && !translation.words.empty();
  add_target(pair, trained.target.decode(translation.words), {translation.words.begin(), translation.words.end()});
  return pair;
}

SentencePair pair_with_translation(const TrainedModel& trained, const SourceSentence& source,
                                   const SourceSentence& target) {
  SentencePair pair = with_source(trained, source);
  check(!target.words.empty(), "the translation is empty: there is nothing to predict");
  const int most = trained.model->most_target_words(), words = static_cast<int>(target.words.size());
  check(words <= most, "a translation of {} is longer than this model can produce: {}",
        counted(words, name_of_token(*trained.tokenisers.target)), most);
  pair.own_translation = false;
  pair.unknown_target = target.unknown;
  add_target(pair, target.words, trained.target.encode(target.words));
  return pair;
}

}  // namespace qkv
