#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "datasets/vocabulary.h"
#include "layers/seq2seq.h"

namespace qkv {

/// A translation as word ids, without `<eos>`.
struct Translation {
  std::vector<std::int32_t> words;
  bool cut = false;  ///< the most words were reached before `<eos>`
};

/// How many words a translation of `source_words` words may have, unless the user says otherwise.
constexpr int most_words(int source_words) { return 2 * source_words + 10; }

/// Takes the most likely word at every step, until `<eos>`. `<pad>`, `<bos>` and `<unk>` are never taken. All sources
/// are translated together; a sentence that is done leaves the batch. max_words: for each sentence.
/// Compiled for float and double.
template <class T>
std::vector<Translation> translate_greedily(const Seq2Seq<T>& model, const Tokens& source,
                                            std::span<const int> max_words);

}  // namespace qkv
