#pragma once

#include <string_view>

#include "qkv/datasets/korean_english/syntax.h"

/// What a sentence of the small world must keep to, so that it is natural, true to the sense of its words, and has one
/// meaning only. README.md says each rule with an example.
namespace qkv::grammar {

/// Nothing if the tree is a sentence of the grammar; otherwise the rule it breaks, in a few words.
std::string_view broken_rule(const Sentence& sentence);

/// The number of Korean words of the sentence, the final mark counted.
int source_words(const Sentence& sentence);

}  // namespace qkv::grammar
