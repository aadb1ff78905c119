#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "qkv/datasets/pair.h"

namespace qkv {

/// The first four ids of every vocabulary.
inline constexpr std::int32_t pad_id = 0;      ///< <pad> fills a row behind its sentence
inline constexpr std::int32_t bos_id = 1;      ///< <bos> begins what the decoder reads
inline constexpr std::int32_t eos_id = 2;      ///< <eos> ends a sentence
inline constexpr std::int32_t unknown_id = 3;  ///< <unk> stands for a word that is not in the vocabulary
inline constexpr std::int32_t special_tokens = 4;

/// The words that a model knows, each with an id from 0. Text that spells out a special token ("<eos>") is an unknown
/// word like any other: no sentence can end itself.
class Vocabulary {
 public:
  /// The words that occur at least `min_frequency` times on one side of the pairs, the most frequent first, equally
  /// frequent ones in the order of their bytes: Vocabulary(pairs, &Pair::source, 2).
  /// Throws std::invalid_argument when min_frequency is below 1.
  Vocabulary(const std::vector<Pair>& pairs, std::vector<std::string> Pair::*side, int min_frequency = 1);

  /// Reads a .vocab file: one token a line, the line number less one is the id, the first four are the special tokens.
  /// Throws std::runtime_error, `FILE:LINE: what`: a file that cannot be read, a special token that is missing or
  /// stands elsewhere, an empty line, a space inside a token, invalid UTF-8, text that is not in NFC, a token twice.
  static Vocabulary load(const std::string& path);

  /// Writes the file that load reads, whole or not at all. Throws std::runtime_error.
  void save(const std::string& path) const;

  /// How many tokens there are, the special ones included.
  std::int32_t size() const { return static_cast<std::int32_t>(tokens_.size()); }

  /// Whether this is a known word; special tokens are not words.
  bool contains(std::string_view word) const { return ids_.find(word) != ids_.end(); }

  /// The id of a word; unknown_id where it is not contained.
  std::int32_t id(std::string_view word) const;

  /// The token with this id. Throws std::invalid_argument where there is none.
  const std::string& word(std::int32_t id) const;

  /// The ids of the words, without <bos> or <eos>.
  std::vector<std::int32_t> encode(const std::vector<std::string>& words) const;

  /// The same with <eos> behind them, as an encoder reads them and a decoder has to predict them.
  std::vector<std::int32_t> encode_with_eos(const std::vector<std::string>& words) const;

  /// The same behind <bos>, as a decoder reads them.
  std::vector<std::int32_t> encode_with_bos(const std::vector<std::string>& words) const;

  /// The tokens with these ids, special ones too. Throws std::invalid_argument as word does.
  std::vector<std::string> decode(std::span<const std::int32_t> ids) const;

  /// The known word that is most like this one, for warnings, as nearest_word finds it: of several the most frequent.
  /// Nothing where no word is known at all, or where this one is too long to be a slip of the pen.
  std::optional<std::string> nearest(std::string_view word) const;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };

  Vocabulary();
  bool add(std::string word);

  std::vector<std::string> tokens_;
  std::unordered_map<std::string, std::int32_t, Hash, std::equal_to<>> ids_;  // of words; only ever looked up
};

}  // namespace qkv
