#pragma once

#include <vector>

#include "qkv/datasets/pair.h"
#include "qkv/datasets/tokeniser.h"

namespace qkv {

/// A pair as a model reads it: its words are tokens, and its links join tokens. Two tokens are linked where they hold
/// characters of linked words, or linked characters, as the pair's link_unit says; surely where one of these links is.
Pair tokenised(Pair pair, const Tokenisers& tokenisers);

/// All of them.
std::vector<Pair> tokenised(std::vector<Pair> pairs, const Tokenisers& tokenisers);

}  // namespace qkv
