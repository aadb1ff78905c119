#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "qkv/autograd/named.h"

namespace qkv {

/// What the tokens are that a model reads.
enum class TokeniserKind { word, character, bpe };
constexpr std::array<Named<TokeniserKind>, 3> names_of(TokeniserKind) {
  return {{{TokeniserKind::word, "word"}, {TokeniserKind::character, "char"}, {TokeniserKind::bpe, "bpe"}}};
}

/// Where a token stands in its text, which is the words with one space between each two.
struct TokenPlace {
  int word = none;           ///< the word that it belongs to, from 0; a space by itself belongs to none
  int first = 0, count = 0;  ///< its characters among those of the text, spaces counted, from 0
  static constexpr int none = -1;
  friend bool operator==(const TokenPlace&, const TokenPlace&) = default;
};

/// Cuts the words of a sentence into the tokens that a model reads, and puts tokens together again. No token is empty
/// or holds a space.
class Tokeniser {
 public:
  virtual ~Tokeniser() = default;
  virtual TokeniserKind kind() const = 0;

  /// The tokens of a sentence. Throws std::invalid_argument if a word is not UTF-8.
  virtual std::vector<std::string> tokens(const std::vector<std::string>& words) const = 0;

  /// The words that tokens make, also where a model put them in an order that no text has: words(tokens(w)) is w.
  virtual std::vector<std::string> words(const std::vector<std::string>& tokens) const = 0;

  /// Where each of the tokens of a sentence stands in its text.
  virtual std::vector<TokenPlace> places(const std::vector<std::string>& tokens) const = 0;
};

/// The text that tokens make.
std::string text_of(const Tokeniser& tokeniser, const std::vector<std::string>& tokens);

/// What people call one token: "word", "character" or "piece".
const char* name_of_token(TokeniserKind kind);
const char* name_of_token(const Tokeniser& tokeniser);

/// Those of the two languages of a model.
struct Tokenisers {
  std::shared_ptr<const Tokeniser> source, target;
};

/// For both languages, each word is a token.
Tokenisers word_tokenisers();

}  // namespace qkv
