#include "train/decoding.h"

#include <algorithm>
#include <numeric>

namespace qkv {

namespace {

/// The most likely word that may be produced; of equal ones the first.
template <class T>
std::int32_t best_word(const T* logits, int words) {
  std::int32_t best = eos_id;
  for (int word = special_tokens; word < words; ++word)
    if (logits[word] > logits[best]) best = word;
  return best;
}

}  // namespace

template <class T>
std::vector<Translation> translate_greedily(const Seq2Seq<T>& model, const Tokens& source,
                                            std::span<const int> max_words) {
  check(static_cast<int>(max_words.size()) == source.sentences, "decoding: {} limits for {} sentences",
        max_words.size(), source.sentences);
  std::vector<Translation> translations(max_words.size());
  if (max_words.empty()) return translations;
  Tape<T> tape;
  const Recording recording(tape);
  const auto decoding = model.decode(source, *std::max_element(max_words.begin(), max_words.end()) + 1);
  tape.rewind();

  std::vector<int> active(translations.size());  // the sentences that are not done
  std::iota(active.begin(), active.end(), 0);
  std::vector<int> last(translations.size(), bos_id);
  while (!active.empty()) {
    const Var<T> logits = decoding->next(last);
    std::vector<int> going_on;
    last.clear();
    for (std::size_t row = 0; row < active.size(); ++row) {
      const auto sentence = static_cast<std::size_t>(active[row]);
      Translation& translation = translations[sentence];
      const std::int32_t word = best_word(logits.rows().row_block(static_cast<int>(row), 1).data, logits.last());
      if (word == eos_id) continue;
      if (static_cast<int>(translation.words.size()) == max_words[sentence]) {
        translation.cut = true;
        continue;
      }
      translation.words.push_back(word);
      last.push_back(word);
      going_on.push_back(static_cast<int>(row));
    }
    tape.rewind();
    if (going_on.size() == active.size()) continue;
    decoding->select(going_on);
    std::vector<int> remaining;
    for (int row : going_on) remaining.push_back(active[static_cast<std::size_t>(row)]);
    active = std::move(remaining);
  }
  return translations;
}

template std::vector<Translation> translate_greedily<float>(const Seq2Seq<float>&, const Tokens&, std::span<const int>);
template std::vector<Translation> translate_greedily<double>(const Seq2Seq<double>&, const Tokens&,
                                                             std::span<const int>);

}  // namespace qkv
