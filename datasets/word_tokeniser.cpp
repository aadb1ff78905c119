#include "qkv/datasets/word_tokeniser.h"

#include "qkv/files/utf8.h"

namespace qkv {

std::vector<TokenPlace> WordTokeniser::places(const std::vector<std::string>& tokens) const {
  std::vector<TokenPlace> places;
  int first = 0;
  for (const std::string& word : tokens) {
    const int count = static_cast<int>(code_points(word).size());
    places.push_back({static_cast<int>(places.size()), first, count});
    first += count + 1;  // and the space
  }
  return places;
}

}  // namespace qkv
