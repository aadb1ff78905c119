#pragma once

#include <optional>

#include "qkv/autograd/random.h"
#include "qkv/datasets/korean_english/syntax.h"

namespace qkv::grammar {

/// A random sentence of the grammar with exactly `words` Korean words (the final mark counted), or nothing if this
/// attempt did not come out right; the caller tries again. A bare sentence is drawn first and then grown, one modifier
/// at a time, by whatever the rules allow.
std::optional<Sentence> derive(int words, Random& random);

}  // namespace qkv::grammar
