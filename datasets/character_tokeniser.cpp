#include "qkv/datasets/character_tokeniser.h"

#include <string_view>

#include "qkv/datasets/text.h"
#include "qkv/files/utf8.h"

namespace qkv {
namespace {

const std::string space = "\u2581", space_itself = "\u2581\u2581";

}  // namespace

std::vector<std::string> CharacterTokeniser::tokens(const std::vector<std::string>& words) const {
  std::vector<std::string> tokens;
  for (const std::string& word : words) {
    if (!tokens.empty()) tokens.push_back(space);
    for_each_character(word, [&](char32_t, std::size_t at, std::size_t size) {
      tokens.push_back(word.compare(at, size, space) == 0 ? space_itself : word.substr(at, size));
    });
  }
  return tokens;
}

std::vector<std::string> CharacterTokeniser::words(const std::vector<std::string>& tokens) const {
  std::string text;
  for (const std::string& token : tokens) text += token == space ? " " : token == space_itself ? space : token;
  return split_words(compose(text));  // a model may put an accent behind a letter
}

std::vector<TokenPlace> CharacterTokeniser::places(const std::vector<std::string>& tokens) const {
  std::vector<TokenPlace> places;
  int word = 0, at = 0;
  for (const std::string& token : tokens) {
    const bool is_space = token == space;
    places.push_back({is_space ? TokenPlace::none : word, at++, 1});
    if (is_space) ++word;
  }
  return places;
}

}  // namespace qkv
