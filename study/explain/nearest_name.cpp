#include "qkv/study/explain/nearest_name.h"

#include <algorithm>
#include <string>

#include "qkv/files/message.h"

namespace qkv {
namespace {

std::u32string letters_of(std::string_view name) {
  std::u32string letters;
  for (const char c : name)
    if (c != ' ') letters += static_cast<char32_t>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return letters;
}

}  // namespace

std::size_t distance_to_name(std::string_view typed, std::string_view name) {
  constexpr std::size_t most_letters = 200;
  const std::u32string wanted = letters_of(typed.substr(0, most_letters)), letters = letters_of(name);
  std::size_t least = edit_distance(wanted, letters);
  for (std::size_t dot = letters.find(U'.'); dot != std::u32string::npos; dot = letters.find(U'.', dot + 1))
    least = std::min(least, edit_distance(wanted, std::u32string_view(letters).substr(dot + 1)));
  return least;
}

}  // namespace qkv
