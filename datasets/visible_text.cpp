#include "qkv/datasets/visible_text.h"

#include <algorithm>
#include <cstddef>
#include <fmt/format.h>
#include <iterator>
#include <optional>
#include <utf8proc.h>

#include "qkv/datasets/text.h"
#include "qkv/files/message.h"
#include "qkv/files/utf8.h"

namespace qkv {
namespace {

/// Whether a byte of UTF-8 begins a character: the others look like 10xxxxxx.
bool begins_character(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U; }

bool is_invisible(char32_t character) {
  if (character < 0x80) return character < 0x20 || character == 0x7f;
  const utf8proc_category_t category = utf8proc_category(static_cast<utf8proc_int32_t>(character));
  return category == UTF8PROC_CATEGORY_CC || category == UTF8PROC_CATEGORY_CF;
}

/// The text, with what show(code point, result) adds in the place of a character that cannot be seen.
template <class Show>
std::string replaced(std::string_view text, bool keeps_lines, Show show) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::optional<Character> character = first_character(text.substr(at));
    if (!character) {
      fmt::format_to(std::back_inserter(result), "\\x{{{:02x}}}", static_cast<unsigned char>(text[at++]));
      continue;
    }
    if (is_invisible(character->code) && !(keeps_lines && character->code == '\n'))
      show(static_cast<unsigned>(character->code), result);
    else
      result.append(text, at, character->bytes);
    at += character->bytes;
  }
  return result;
}

std::string shown(std::string_view text, bool keeps_lines) {
  const auto show = [](unsigned character, std::string& result) {
    fmt::format_to(std::back_inserter(result), "\\u{{{:x}}}", character);
  };
  return replaced(text, keeps_lines, show);
}

}  // namespace

std::string visible(std::string_view text) { return shown(text, false); }

std::string visible_lines(std::string_view text) { return shown(text, true); }

std::string visible_json(std::string_view json) {
  const auto show = [](unsigned character, std::string& result) {
    if (character < 0x10000) {
      fmt::format_to(std::back_inserter(result), "\\u{:04x}", character);
    } else {  // two surrogates
      const unsigned rest = character - 0x10000;
      fmt::format_to(std::back_inserter(result), "\\u{:04x}\\u{:04x}", 0xd800 + (rest >> 10U),
                     0xdc00 + (rest & 0x3ffU));
    }
  };
  return replaced(json, true, show);
}

std::string in_quotes(std::string_view text, int width) {
  const std::string whole = visible(text);
  std::size_t end = 0;
  for (int used = 0; end < whole.size();) {
    const auto next = std::find_if(whole.begin() + static_cast<std::ptrdiff_t>(end) + 1, whole.end(), begins_character);
    const auto size = static_cast<std::size_t>(next - whole.begin()) - end;
    used += columns(std::string_view(whole).substr(end, size));
    if (used > width) break;
    end += size;
  }
  if (end == whole.size()) return fmt::format("\"{}\"", whole);
  const auto characters = std::count_if(text.begin(), text.end(), begins_character);
  return fmt::format("\"{}…\" ({})", whole.substr(0, end), counted(characters, "character"));
}

}  // namespace qkv
