#pragma once

#include <string>
#include <vector>

#include "qkv/datasets/vocabulary.h"

namespace qkv {

/// A line of text as the model reads it.
struct SourceSentence {
  std::vector<std::string> words;
  std::vector<std::string> unknown;  ///< those of them that the vocabulary does not hold
};

/// Normalises the text, separates its words at spaces, and splits a final `.`, `?` or `!` off an unknown word where
/// that makes known words. Throws std::invalid_argument if the text is not UTF-8.
SourceSentence read_source(const std::string& text, const Vocabulary& vocabulary);

}  // namespace qkv
