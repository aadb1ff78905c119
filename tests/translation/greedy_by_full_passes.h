#pragma once

#include "qkv/datasets/vocabulary.h"
#include "qkv/translation/decoding.h"

namespace qkv {

/// What greedy decoding is by definition: the full forward pass again for every word, and the likeliest word of it.
template <class T>
Translation greedy_by_full_passes(const Seq2Seq<T>& model, const Tokens& source, int most) {
  Translation translation;
  std::vector<int> target{bos_id};
  while (true) {
    Tape<T> tape;
    const Recording recording(tape);
    const OneSequence read(target);
    const Var<T> logits = model.logits(source, read);
    const T* row = logits.rows().row_block(read.length() - 1, 1).data;
    int best = eos_id;
    for (int word = special_tokens; word < logits.last(); ++word)
      if (row[word] > row[best]) best = word;
    if (best == eos_id) return translation;
    if (read.length() - 1 == most) {
      translation.cut = true;
      return translation;
    }
    target.push_back(best);
    translation.words.push_back(best);
  }
}

}  // namespace qkv
