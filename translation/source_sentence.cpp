#include "qkv/translation/source_sentence.h"

#include "qkv/datasets/text.h"

namespace qkv {

SourceSentence read_source(const std::string& text, const Vocabulary& vocabulary) {
  SourceSentence sentence;
  sentence.words = split_words(normalise(text));
  if (!sentence.words.empty()) {
    const std::string last = sentence.words.back();
    const std::string stem = last.substr(0, last.size() - 1), mark = last.substr(last.size() - 1);
    const bool is_marked = !stem.empty() && (mark == "." || mark == "?" || mark == "!");
    if (is_marked && !vocabulary.contains(last) && vocabulary.contains(stem) && vocabulary.contains(mark)) {
      sentence.words.back() = stem;
      sentence.words.push_back(mark);
    }
  }
  for (const std::string& word : sentence.words)
    if (!vocabulary.contains(word)) sentence.unknown.push_back(word);
  return sentence;
}

}  // namespace qkv
