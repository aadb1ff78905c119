#pragma once

#include "qkv/datasets/tokeniser.h"

namespace qkv {

/// Each Unicode character (code point) of the text is a token. The space between two words is the token `▁` (U+2581),
/// so that it is seen; where a text itself has this character, the token is `▁▁`, which no other text makes.
class CharacterTokeniser : public Tokeniser {
 public:
  TokeniserKind kind() const override { return TokeniserKind::character; }
  std::vector<std::string> tokens(const std::vector<std::string>& words) const override;
  std::vector<std::string> words(const std::vector<std::string>& tokens) const override;
  std::vector<TokenPlace> places(const std::vector<std::string>& tokens) const override;
};

}  // namespace qkv
