#pragma once

#include <string_view>

/// The text of the tables beside this file, compiled in.
namespace qkv::grammar::tables {

extern const std::string_view nouns, pronouns, verbs, adjectives, times, words;

}  // namespace qkv::grammar::tables
