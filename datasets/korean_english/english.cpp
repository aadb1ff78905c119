#include "qkv/datasets/korean_english/english.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace qkv::grammar {
namespace {

bool is_vowel(char letter) { return std::string_view("aeiou").find(letter) != std::string_view::npos; }

bool ends_in_consonant_y(const std::string& word) {
  return word.size() > 1 && word.back() == 'y' && !is_vowel(word[word.size() - 2]);
}

/// -s, or -es after a hissing sound.
std::string with_s(const std::string& word) {
  if (ends_in_consonant_y(word)) return word.substr(0, word.size() - 1) + "ies";
  for (const char* ending : {"s", "x", "z", "ch", "sh"})
    if (word.ends_with(ending)) return word + "es";
  return word + "s";
}

}  // namespace

std::string present(const std::string& verb, Agreement agreement) {
  if (agreement != Agreement::third) return verb;
  if (verb == "have") return "has";
  return verb == "go" || verb == "do" ? verb + "es" : with_s(verb);
}

std::string regular_past(const std::string& verb) {
  if (ends_in_consonant_y(verb)) return verb.substr(0, verb.size() - 1) + "ied";
  return verb + (verb.back() == 'e' ? "d" : "ed");
}

std::string regular_plural(const std::string& noun) { return with_s(noun); }

std::string indefinite_article(const std::string& next_word) {
  static constexpr std::array silent_h{"hour", "honest", "honor", "heir"};
  static constexpr std::array spoken_y_or_w{"uni", "use", "usual", "euro", "one", "once"};
  std::string word = next_word;
  word.front() = static_cast<char>(word.front() | 0x20);  // capitals sound alike: an English book
  const auto begins = [&](const char* start) { return word.starts_with(start); };
  if (std::ranges::any_of(silent_h, begins)) return "an";
  if (std::ranges::any_of(spoken_y_or_w, begins) && !begins("unin")) return "a";
  return is_vowel(word.front()) ? "an" : "a";
}

std::string be_present(Agreement agreement) {
  if (agreement == Agreement::first) return "am";
  return agreement == Agreement::third ? "is" : "are";
}

std::string be_past(Agreement agreement) { return agreement == Agreement::plural ? "were" : "was"; }

std::string do_present(Agreement agreement) { return agreement == Agreement::third ? "does" : "do"; }

}  // namespace qkv::grammar
