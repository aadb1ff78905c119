#include "qkv/files/message.h"

#include <algorithm>
#include <fmt/format.h>
#include <numeric>
#include <vector>

namespace qkv {

std::string counted(std::size_t number, std::string_view noun) {
  return fmt::format("{} {}{}", number, noun, number == 1 ? "" : "s");
}

std::string excerpt(std::string_view text, std::size_t most) {
  constexpr std::string_view end = "…";
  if (text.size() <= most) return std::string(text);
  std::size_t kept = most - std::min(most, end.size());
  while (kept > 0 && (static_cast<unsigned char>(text[kept]) & 0xc0) == 0x80) --kept;
  return std::string(text.substr(0, kept)).append(end);
}

std::size_t edit_distance(std::u32string_view a, std::u32string_view b) {
  // row[j] is the distance from the characters of a read so far to the first j of b.
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (const char32_t character : a) {
    std::size_t diagonal = row[0]++;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (character == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace qkv
