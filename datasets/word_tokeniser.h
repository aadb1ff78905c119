#pragma once

#include "qkv/datasets/tokeniser.h"

namespace qkv {

/// Each word is a token.
class WordTokeniser : public Tokeniser {
 public:
  TokeniserKind kind() const override { return TokeniserKind::word; }
  std::vector<std::string> tokens(const std::vector<std::string>& words) const override { return words; }
  std::vector<std::string> words(const std::vector<std::string>& tokens) const override { return tokens; }
  std::vector<TokenPlace> places(const std::vector<std::string>& tokens) const override;
};

}  // namespace qkv
