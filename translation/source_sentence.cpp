#include "qkv/translation/source_sentence.h"

#include "qkv/datasets/text.h"

namespace qkv {

namespace {

void split_mark(std::vector<std::string>& words, const Vocabulary& vocabulary) {
  if (words.empty()) return;
  const std::string last = words.back();
  const std::string stem = last.substr(0, last.size() - 1), mark = last.substr(last.size() - 1);
  const bool is_marked = !stem.empty() && (mark == "." || mark == "?" || mark == "!");
  if (!is_marked || vocabulary.contains(last) || !vocabulary.contains(stem) || !vocabulary.contains(mark)) return;
  words.back() = stem;
  words.push_back(mark);
}

}  // namespace

SourceSentence read_source(const std::string& text, const Vocabulary& vocabulary, const Tokeniser& tokeniser) {
  SourceSentence sentence;
  sentence.words = tokeniser.tokens(split_words(normalise(text)));
  if (tokeniser.kind() == TokeniserKind::word) split_mark(sentence.words, vocabulary);
  for (const std::string& word : sentence.words)
    if (!vocabulary.contains(word)) sentence.unknown.push_back(word);
  return sentence;
}

}  // namespace qkv
