#pragma once

#include <string>
#include <vector>

#include "qkv/datasets/tokeniser.h"
#include "qkv/datasets/vocabulary.h"

namespace qkv {

/// A line of text as the model reads it.
struct SourceSentence {
  std::vector<std::string> words;    ///< its tokens
  std::vector<std::string> unknown;  ///< those of them that the vocabulary does not hold
};

/// Normalises the text, separates its words at spaces and cuts them into tokens. Splits a
/// final `.`, `?` or `!` off the last word where fewer tokens are unknown then, unless tokens are characters. Throws
/// std::invalid_argument if the text is not UTF-8.
SourceSentence read_source(const std::string& text, const Vocabulary& vocabulary,
                           const Tokeniser& tokeniser = *word_tokenisers().source);

}  // namespace qkv
