#include "datasets/korean_english/korean_english.h"

#include <fmt/format.h>

#include <filesystem>
#include <future>
#include <map>
#include <stdexcept>

#include "datasets/csv.h"
#include "datasets/durable_file.h"
#include "datasets/korean_english/splits.h"

namespace qkv {
namespace {

constexpr int most_pairs = 1'000'000, evaluation_pairs = 1'000, extra_pairs = 500;
constexpr int shortest = 2, longest = 16, shortest_long = 17, longest_long = 24, shortest_composition = 4;
constexpr int least_occurrences = 10;

using Words = std::vector<std::string> Pair::*;

/// Throws if a word form of `evaluation` is rare in `train`.
void check_words(const std::vector<Pair>& train, const std::vector<Pair>& evaluation, Words words) {
  std::map<std::string, int> count;
  for (const Pair& pair : train)
    for (const std::string& word : pair.*words) ++count[word];
  for (const Pair& pair : evaluation)
    for (const std::string& word : pair.*words)
      if (count[word] < least_occurrences)
        throw std::invalid_argument(
            fmt::format("korean_english: {} training pairs are too few: the word '{}' of the unseen sentences is among "
                        "them {} times, {} are needed; ask for more pairs",
                        train.size(), word, count[word], least_occurrences));
}

}  // namespace

KoreanEnglish korean_english(int pairs, std::uint64_t seed) {
  if (pairs < 1 || pairs > most_pairs)
    throw std::invalid_argument(
        fmt::format("korean_english: pairs must be from 1 to {}, but is {}", most_pairs, pairs));
  using Kind = grammar::Stream::Kind;
  const auto draw = [&](Kind kind, int from, int to, int count) {
    return grammar::Stream(kind, from, to, seed).draw(count);
  };
  KoreanEnglish data;
  // The streams do not touch each other, so the longest runs beside the rest.
  auto train = std::async(std::launch::async, draw, Kind::train, shortest, longest, pairs);
  data.valid = draw(Kind::valid, shortest, longest, evaluation_pairs);
  data.test = draw(Kind::test, shortest, longest, evaluation_pairs);
  data.long_sentences = draw(Kind::any_split, shortest_long, longest_long, extra_pairs);
  data.composition = draw(Kind::held_out, shortest_composition, longest, extra_pairs);
  data.train = train.get();
  for (const std::vector<Pair>* unseen : {&data.valid, &data.test, &data.composition})
    for (const Words words : {&Pair::source, &Pair::target}) check_words(data.train, *unseen, words);
  return data;
}

void write_korean_english(const std::string& folder, const KoreanEnglish& data, bool overwrite) {
  const std::filesystem::path path(folder);
  std::vector<std::pair<std::string, std::string>> files;
  for (const auto& [name, pairs] :
       {std::pair("train.csv", &data.train), std::pair("valid.csv", &data.valid), std::pair("test.csv", &data.test),
        std::pair("long.csv", &data.long_sentences), std::pair("composition.csv", &data.composition)})
    files.emplace_back((path / name).string(), pairs_as_csv(*pairs));
  if (!overwrite)
    for (const auto& [file, text] : files)
      if (std::filesystem::exists(file) && read_file(file) != text)
        throw std::runtime_error(fmt::format(
            "{} exists already and is not what would be written; choose another --out, or give --overwrite", file));
  std::filesystem::create_directories(path);
  for (const auto& [file, text] : files) write_durably(file, text);
}

}  // namespace qkv
