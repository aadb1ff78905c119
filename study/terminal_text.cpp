#include "qkv/study/terminal_text.h"

#include <algorithm>

#include "qkv/datasets/text.h"

namespace qkv {
namespace {

std::string spaces(int count) { return std::string(static_cast<std::size_t>(std::max(count, 0)), ' '); }

/// Whether a byte of UTF-8 begins a code point: the others look like 10xxxxxx.
bool begins_character(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U; }

}  // namespace

std::string left_aligned(std::string_view text, int width) { return std::string(text) + spaces(width - columns(text)); }

std::string right_aligned(std::string_view text, int width) {
  return spaces(width - columns(text)) + std::string(text);
}

std::string shortened(std::string_view text, int width) {
  if (columns(text) <= width) return std::string(text);
  std::string result;
  for (const std::string& character : visible_characters(text)) {
    if (columns(result) + columns(character) + 1 > width) break;
    result += character;
  }
  return result + "…";
}

std::string in_lines(std::string_view text, int width, int indent) {
  std::string lines, line;
  for (const std::string& word : split_words(std::string(text))) {
    if (!line.empty() && indent + columns(line) + 1 + columns(word) > width) {
      lines += spaces(indent) + line + "\n";
      line.clear();
    }
    line += (line.empty() ? "" : " ") + word;
  }
  return lines + spaces(indent) + line + "\n";
}

std::vector<std::string> visible_characters(std::string_view text) {
  std::vector<std::string> characters;
  for (std::size_t begin = 0, end = 0; begin < text.size(); begin = end) {
    end = begin + 1;
    while (end < text.size() && !begins_character(text[end])) ++end;
    const std::string_view character = text.substr(begin, end - begin);
    if (columns(character) == 0 && !characters.empty()) {
      characters.back() += character;
    } else {
      characters.emplace_back(character);
    }
  }
  return characters;
}

}  // namespace qkv
