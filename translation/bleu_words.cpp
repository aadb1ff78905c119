#include "qkv/translation/bleu_words.h"

#include <array>
#include <fmt/format.h>
#include <string_view>
#include <utility>

namespace qkv {
namespace {

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_stop(char c) { return c == '.' || c == ','; }

/// ASCII punctuation and symbols but for ' - . and ,
bool is_always_apart(char c) {
  return (c > ' ' && c < '0' && c != '\'' && c != '-' && !is_stop(c)) || (c >= ':' && c <= '@') ||
         (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
}

/// Puts spaces around every character that always stands apart.
std::string symbols_apart(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (is_always_apart(c))
      result += {' ', c, ' '};
    else
      result += c;
  }
  return result;
}

/// Goes through pairs of neighbours that do not overlap, from the left, and writes those that match with spaces: what
/// each of three regular expressions of mteval does, one after the other.
template <class Matches, class Write>
std::string pairs_replaced(const std::string& text, const Matches& matches, const Write& write) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i + 1 < text.size() && matches(text[i], text[i + 1])) {
      write(result, text[i], text[i + 1]);
      ++i;
    } else {
      result += text[i];
    }
  }
  return result;
}

}  // namespace

Sentence mteval_13a(std::string text) {
  replace_all(text, "<skipped>", "");
  constexpr std::array<std::pair<std::string_view, std::string_view>, 4> entities{
      {{"&quot;", "\""}, {"&amp;", "&"}, {"&lt;", "<"}, {"&gt;", ">"}}};
  for (const auto& [entity, character] : entities) replace_all(text, entity, character);
  text = symbols_apart(fmt::format(" {} ", text));
  const auto second_apart = [](std::string& result, char first, char second) { result += {first, ' ', second, ' '}; };
  text = pairs_replaced(
      text, [](char first, char second) { return !is_digit(first) && is_stop(second); }, second_apart);
  text = pairs_replaced(
      text, [](char first, char second) { return is_stop(first) && !is_digit(second); },
      [](std::string& result, char first, char second) {
        result += {' ', first, ' ', second};
      });
  text = pairs_replaced(
      text, [](char first, char second) { return is_digit(first) && second == '-'; }, second_apart);
  return split_words(text);
}

std::vector<Sentence> in_bleu_words(const std::vector<Sentence>& sentences, BleuWords words) {
  if (words == BleuWords::as_given) return sentences;
  std::vector<Sentence> result;
  for (const Sentence& sentence : sentences) result.push_back(mteval_13a(join_words(sentence)));
  return result;
}

std::string bleu_signature(BleuWords words) {
  return fmt::format("nrefs:1|case:mixed|eff:no|tok:{}|smooth:exp|version:2.6.0", name_of(words));
}

std::string chrf_signature() { return "nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:2.6.0"; }

}  // namespace qkv
