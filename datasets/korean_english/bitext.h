#pragma once

#include <string>
#include <vector>

#include "qkv/datasets/pair.h"

/// Korean and English side by side while a sentence is put together. A Korean word keeps its number wherever word order
/// takes it, and an English word remembers the numbers of the Korean words it comes from.
namespace qkv::grammar {

struct KoreanWord {
  std::string text;
  int number = -1;
};

struct EnglishWord {
  std::string text;
  std::vector<int> sure, possible;  ///< the numbers of Korean words
};

using Korean = std::vector<KoreanWord>;
using English = std::vector<EnglishWord>;

struct Phrase {
  Korean korean;
  English english;
};

/// Appends the words of `part`.
template <class Word>
void append(std::vector<Word>& words, const std::vector<Word>& part) {
  words.insert(words.end(), part.begin(), part.end());
}

/// The pair of sentences, with links between positions, in the order of the target.
inline Pair finish(const Phrase& sentence) {
  Pair pair;
  std::vector<int> position(sentence.korean.size(), -1);
  for (const KoreanWord& word : sentence.korean) {
    position.at(word.number) = static_cast<int>(pair.source.size());
    pair.source.push_back(word.text);
  }
  for (const EnglishWord& word : sentence.english) {
    const int target = static_cast<int>(pair.target.size());
    for (int number : word.sure) pair.links.push_back({position.at(number), target, true});
    for (int number : word.possible) pair.links.push_back({position.at(number), target, false});
    pair.target.push_back(word.text);
  }
  return pair;
}

}  // namespace qkv::grammar
