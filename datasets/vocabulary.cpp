#include "qkv/datasets/vocabulary.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <iterator>
#include <stdexcept>
#include <tuple>
#include <utility>

#include "qkv/autograd/check.h"
#include "qkv/datasets/text.h"
#include "qkv/files/durable_file.h"
#include "qkv/files/message.h"
#include "qkv/files/utf8.h"

namespace qkv {
namespace {

constexpr std::array<std::string_view, special_tokens> special = {"<pad>", "<bos>", "<eos>", "<unk>"};

bool is_special(std::string_view token) { return std::find(special.begin(), special.end(), token) != special.end(); }

/// What keeps a line of a .vocab file from being a token, or nothing.
std::optional<std::string> token_error(std::string_view line) {
  if (line.empty()) return "the line is empty; each holds one token";
  if (const auto invalid = invalid_utf8(line)) {
    return fmt::format("invalid UTF-8: byte 0x{:02x}", static_cast<unsigned char>(line[*invalid]));
  }
  const auto words = split_words(line);
  if (words.size() != 1 || words.front() != line) {
    return fmt::format("there is a space in the token \"{}\"", excerpt(line));
  }
  if (compose(line) != line) {
    return fmt::format("the token \"{}\" is not in NFC, so that no text can contain it", excerpt(line));
  }
  return std::nullopt;
}

}  // namespace

Vocabulary::Vocabulary() : tokens_(special.begin(), special.end()) {}

bool Vocabulary::add(std::string word) {
  if (!ids_.emplace(word, size()).second) return false;
  tokens_.push_back(std::move(word));
  return true;
}

Vocabulary::Vocabulary(const std::vector<Pair>& pairs, std::vector<std::string> Pair::*side, int min_frequency)
    : Vocabulary() {
  check(min_frequency >= 1, "vocabulary: the least frequency is {}; it must be 1 or more", min_frequency);
  std::unordered_map<std::string_view, std::int64_t> counts;
  for (const Pair& pair : pairs) {
    for (const std::string& word : pair.*side) ++counts[word];
  }
  std::vector<std::pair<std::string_view, std::int64_t>> words;
  std::copy_if(counts.begin(), counts.end(), std::back_inserter(words),
               [&](const auto& entry) { return entry.second >= min_frequency && !is_special(entry.first); });
  std::sort(words.begin(), words.end(), [](const auto& a, const auto& b) {
    return std::tuple(-a.second, a.first) < std::tuple(-b.second, b.first);
  });
  for (const auto& [word, count] : words) add(std::string(word));
}

Vocabulary Vocabulary::load(const std::string& path) {
  const std::string bytes = read_file(path);
  Vocabulary vocabulary;
  std::size_t line_number = 0;
  const auto fail = [&](std::string_view what) {
    throw std::runtime_error(fmt::format("{}:{}: {}", path, line_number, what));
  };
  for (std::size_t begin = 0; begin < bytes.size() || line_number < special.size();) {
    ++line_number;
    const std::size_t end = std::min(bytes.find('\n', begin), bytes.size());
    const std::string_view token = std::string_view(bytes).substr(std::min(begin, bytes.size()), end - begin);
    begin = end + 1;
    if (token.ends_with('\r')) fail("the line ends with a carriage return; lines end with LF alone");
    if (line_number <= special.size()) {
      if (token == special[line_number - 1]) continue;
      fail(fmt::format("\"{}\" where the special token {} belongs: the first four lines are {}", excerpt(token),
                       special[line_number - 1], fmt::join(special, " ")));
    }
    if (const auto error = token_error(token)) fail(*error);
    if (is_special(token)) fail(fmt::format("the special token {} occurs twice", token));
    if (vocabulary.contains(token)) {
      fail(fmt::format("the token \"{}\" occurs twice, first on line {}", excerpt(token), vocabulary.id(token) + 1));
    }
    vocabulary.add(std::string(token));
  }
  return vocabulary;
}

void Vocabulary::save(const std::string& path) const {
  write_durably(path, fmt::format("{}\n", fmt::join(tokens_, "\n")));
}

std::int32_t Vocabulary::id(std::string_view word) const {
  const auto found = ids_.find(word);
  return found == ids_.end() ? unknown_id : found->second;
}

const std::string& Vocabulary::word(std::int32_t id) const {
  check(id >= 0 && id < size(), "vocabulary: no token has the id {}; there are {}, from 0", id, size());
  return tokens_[id];
}

std::vector<std::int32_t> Vocabulary::encode(const std::vector<std::string>& words) const {
  std::vector<std::int32_t> ids;
  ids.reserve(words.size());
  for (const std::string& word : words) ids.push_back(id(word));
  return ids;
}

std::vector<std::int32_t> Vocabulary::encode_with_eos(const std::vector<std::string>& words) const {
  std::vector<std::int32_t> ids = encode(words);
  ids.push_back(eos_id);
  return ids;
}

std::vector<std::int32_t> Vocabulary::encode_with_bos(const std::vector<std::string>& words) const {
  std::vector<std::int32_t> ids = encode(words);
  ids.insert(ids.begin(), bos_id);
  return ids;
}

std::vector<std::string> Vocabulary::decode(std::span<const std::int32_t> ids) const {
  std::vector<std::string> words;
  words.reserve(ids.size());
  for (const std::int32_t id : ids) words.push_back(word(id));
  return words;
}

std::optional<std::string> Vocabulary::nearest(std::string_view word) const {
  const std::span words = std::span(tokens_).subspan(special_tokens);
  const auto found = nearest_word(word, words);
  return found ? std::optional(words[*found]) : std::nullopt;
}

}  // namespace qkv
