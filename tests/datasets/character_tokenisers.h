#pragma once

#include <memory>

#include "qkv/datasets/character_tokeniser.h"
#include "qkv/datasets/tokeniser.h"

namespace qkv {

/// Source and target by characters.
inline Tokenisers character_tokenisers() {
  const auto characters = std::make_shared<const CharacterTokeniser>();
  return {characters, characters};
}

}  // namespace qkv
