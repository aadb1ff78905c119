#pragma once

#include <optional>
#include <string>
#include <vector>

#include "qkv/datasets/pair.h"
#include "qkv/datasets/tokeniser.h"
#include "qkv/datasets/vocabulary.h"

namespace qkv {

/// What to tell people who train on words where characters or pieces would do better: that nine targets in ten, or
/// more, of the validation set hold a word that is not in the vocabulary, so that no model can write them. Nothing
/// where there are fewer, or no pairs, or the tokens are no words.
std::optional<std::string> note_on_unknown_targets(const std::vector<Pair>& validation, const Vocabulary& target,
                                                   const Tokeniser& tokeniser);

}  // namespace qkv
