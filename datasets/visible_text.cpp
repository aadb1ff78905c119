#include "qkv/datasets/visible_text.h"

#include <algorithm>
#include <cstddef>
#include <fmt/format.h>
#include <iterator>
#include <utf8proc.h>

#include "qkv/datasets/text.h"

namespace qkv {
namespace {

/// Whether a byte of UTF-8 begins a character: the others look like 10xxxxxx.
bool begins_character(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U; }

bool is_invisible(utf8proc_int32_t character) {
  if (character < 0x80) return character < 0x20 || character == 0x7f;
  const utf8proc_category_t category = utf8proc_category(character);
  return category == UTF8PROC_CATEGORY_CC || category == UTF8PROC_CATEGORY_CF;
}

/// The text, with what show(code point, result) adds in the place of a character that cannot be seen.
template <class Show>
std::string replaced(std::string_view text, bool keeps_lines, Show show) {
  std::string result;
  result.reserve(text.size());
  const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
  for (std::size_t at = 0; at < text.size();) {
    utf8proc_int32_t character = 0;
    const utf8proc_ssize_t size =
        utf8proc_iterate(bytes + at, static_cast<utf8proc_ssize_t>(text.size() - at), &character);
    if (size < 0) {
      fmt::format_to(std::back_inserter(result), "\\x{{{:02x}}}", bytes[at++]);
      continue;
    }
    if (is_invisible(character) && !(keeps_lines && character == '\n'))
      show(static_cast<unsigned>(character), result);
    else
      result.append(text, at, static_cast<std::size_t>(size));
    at += static_cast<std::size_t>(size);
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
  return fmt::format("\"{}…\" ({})", whole.substr(0, end), counted(static_cast<std::size_t>(characters), "character"));
}

std::string counted(std::size_t number, std::string_view noun) {
  return fmt::format("{} {}{}", number, noun, number == 1 ? "" : "s");
}

}  // namespace qkv
