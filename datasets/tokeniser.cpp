#include "qkv/datasets/tokeniser.h"

#include "qkv/datasets/text.h"
#include "qkv/datasets/word_tokeniser.h"

namespace qkv {

std::string text_of(const Tokeniser& tokeniser, const std::vector<std::string>& tokens) {
  return join_words(tokeniser.words(tokens));
}

const char* name_of_token(TokeniserKind kind) {
  switch (kind) {
    case TokeniserKind::word:
      return "word";
    case TokeniserKind::character:
      return "character";
    case TokeniserKind::bpe:
      return "piece";
  }
  return "";
}

const char* name_of_token(const Tokeniser& tokeniser) { return name_of_token(tokeniser.kind()); }

Tokenisers word_tokenisers() {
  const auto words = std::make_shared<const WordTokeniser>();
  return {words, words};
}

}  // namespace qkv
