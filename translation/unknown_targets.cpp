#include "qkv/translation/unknown_targets.h"

#include <algorithm>
#include <fmt/format.h>

#include "qkv/files/message.h"

namespace qkv {

std::optional<std::string> note_on_unknown_targets(const std::vector<Pair>& validation, const Vocabulary& target,
                                                   const Tokeniser& tokeniser) {
  if (validation.empty() || tokeniser.kind() != TokeniserKind::word) return std::nullopt;
  const auto is_unknown = [&](const std::string& word) { return !target.contains(word); };
  const auto cannot_be_written = [&](const Pair& pair) { return std::ranges::any_of(pair.target, is_unknown); };
  const std::ptrdiff_t unknown = std::ranges::count_if(validation, cannot_be_written);
  if (10 * unknown < 9 * std::ssize(validation)) return std::nullopt;
  return fmt::format(
      "{} of the {} in the validation set hold words that training does not know, and no model can write those; with "
      "`tokenizer` char it reads characters, with bpe pieces of words",
      unknown, counted(validation.size(), "target"));
}

}  // namespace qkv
