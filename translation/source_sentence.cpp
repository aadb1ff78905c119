#include "qkv/translation/source_sentence.h"

#include <optional>
#include <utility>

#include "qkv/datasets/text.h"

namespace qkv {
namespace {

std::vector<std::string> unknown_among(const std::vector<std::string>& tokens, const Vocabulary& vocabulary) {
  std::vector<std::string> unknown;
  for (const std::string& token : tokens)
    if (!vocabulary.contains(token)) unknown.push_back(token);
  return unknown;
}

/// The words with the final mark, if there is one behind the last word's letters, as a word of its own.
std::optional<Sentence> with_mark_apart(Sentence words) {
  if (words.empty() || words.back().size() < 2) return std::nullopt;
  const char mark = words.back().back();
  if (mark != '.' && mark != '?' && mark != '!') return std::nullopt;
  words.back().pop_back();
  words.emplace_back(1, mark);
  return words;
}

}  // namespace

SourceSentence read_source(const std::string& text, const Vocabulary& vocabulary, const Tokeniser& tokeniser) {
  const Sentence words = split_words(compose(text));
  SourceSentence sentence;
  sentence.words = tokeniser.tokens(words);
  sentence.unknown = unknown_among(sentence.words, vocabulary);
  const std::optional<Sentence> apart = with_mark_apart(words);
  if (sentence.unknown.empty() || !apart || tokeniser.kind() == TokeniserKind::character) return sentence;
  std::vector<std::string> tokens = tokeniser.tokens(*apart);
  std::vector<std::string> unknown = unknown_among(tokens, vocabulary);
  // It helps where it makes the last word, and nothing new, known.
  if (unknown.size() < sentence.unknown.size()) sentence = {std::move(tokens), std::move(unknown)};
  return sentence;
}

}  // namespace qkv
