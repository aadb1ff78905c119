#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "qkv/datasets/vocabulary.h"
#include "qkv/train/stop.h"
#include "qkv/translation/seq2seq.h"

namespace qkv {

/// A translation as word ids, without `<eos>`.
struct Translation {
  std::vector<std::int32_t> words;
  double log_probability = 0;  ///< of the words and, unless cut, `<eos>`
  bool cut = false;            ///< the most words were reached before `<eos>`
};

/// How words are chosen.
struct DecodingOptions {
  int beam = 1;                 ///< how many translations of a sentence are followed at once; 1 is greedy
  double length_penalty = 0.6;  ///< α in the score log P / ((5 + length) / 6)^α (Wu et al. 2016, eq. 14); 0: none
};

/// How many words a translation of `source_words` words may have, unless the user says otherwise.
constexpr int most_words(int source_words) { return 2 * source_words + 10; }

/// Translates by beam search: at every step the most likely continuations of all translations that are followed go on,
/// as many as the beam is wide, less those that are finished; in the end the finished one with the best score is
/// taken. `<pad>`, `<bos>` and `<unk>` are never produced. All sources are translated together; whatever is finished
/// leaves the batch. max_words: for each sentence, or the most that the model can produce if that is less; if no
/// translation is finished by then, the best one is cut.
/// Compiled for float and double. Throws std::invalid_argument if an option is out of range, std::runtime_error if a
/// logit is not finite, naming the operation where that began, and Stopped before the next word once `stop` is set.
template <class T>
std::vector<Translation> translate(const Seq2Seq<T>& model, const Tokens& source, std::span<const int> max_words,
                                   const DecodingOptions& options = {}, const StopFlag& stop = never_stopped);

/// The same for one source.
template <class T>
Translation translate(const Seq2Seq<T>& model, const OneSequence& source, int max_words,
                      const DecodingOptions& options = {}, const StopFlag& stop = never_stopped) {
  return translate(model, Tokens(source), std::span(&max_words, 1), options, stop).front();
}

}  // namespace qkv
