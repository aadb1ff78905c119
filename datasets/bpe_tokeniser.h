#pragma once

#include <memory>
#include <string>
#include <vector>

#include "qkv/datasets/pair.h"
#include "qkv/datasets/tokeniser.h"
#include "qkv/datasets/vocabulary.h"

namespace qkv {

/// Byte-pair encoding (Sennrich, Haddow & Birch 2016): words are cut into pieces that were learnt by joining, again and
/// again, the two neighbours that are most often side by side. SentencePiece learns and cuts. The first piece of a word
/// begins with `▁`; a text that has this character itself is put together again all the same (U+E581 stands for it
/// meanwhile, and is taken for it where a text has that).
class BpeTokeniser : public Tokeniser {
 public:
  /// Learns up to `size` pieces from one side of the pairs, fewer if no more are found. Pieces that then occur less
  /// than `min_frequency` times there are cut further, down to characters. The same pairs give the same pieces. Throws
  /// std::invalid_argument, naming `bpe_size`, if the texts have more characters than that, and if there are no pairs.
  BpeTokeniser(const std::vector<Pair>& pairs, std::vector<std::string> Pair::*side, int size, int min_frequency);

  /// Reads a .bpe file that save wrote; only pieces of this vocabulary, which was made with it, and characters are
  /// used. Throws std::runtime_error that names the file if it cannot be read, is damaged, or is of another vocabulary.
  BpeTokeniser(const std::string& path, const Vocabulary& vocabulary);

  ~BpeTokeniser() override;

  /// Writes the file, whole or not at all: SentencePiece's model, which its own programs read too, and behind it, as a
  /// field that they pass over, a hash of it. Throws std::runtime_error.
  void save(const std::string& path) const;

  TokeniserKind kind() const override { return TokeniserKind::bpe; }
  std::vector<std::string> tokens(const std::vector<std::string>& words) const override;
  std::vector<std::string> words(const std::vector<std::string>& tokens) const override;
  std::vector<TokenPlace> places(const std::vector<std::string>& tokens) const override;

 private:
  struct Model;
  std::unique_ptr<Model> model_;
};

}  // namespace qkv
