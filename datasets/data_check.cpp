#include "qkv/datasets/data_check.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "qkv/datasets/text.h"
#include "qkv/datasets/tokenised_pairs.h"

namespace qkv {
namespace {

using Side = std::vector<std::string> Pair::*;
using Counts = std::map<std::string, std::size_t>;

Counts count_words(const std::vector<Pair>& pairs, Side side) {
  Counts counts;
  for (const Pair& pair : pairs)
    for (const std::string& word : pair.*side) ++counts[word];
  return counts;
}

SideCheck check_side(const std::vector<Pair>& pairs, Side side, const Counts& known) {
  SideCheck check;
  for (const Pair& pair : pairs) {
    const std::size_t length = (pair.*side).size();
    check.words += length;
    check.shortest = check.lengths.empty() ? length : std::min(check.shortest, length);
    check.longest = std::max(check.longest, length);
    check.lengths.resize(std::max(check.lengths.size(), length + 1));
    ++check.lengths[length];
  }
  std::vector<std::pair<std::size_t, std::string>> unknown;
  for (const auto& [word, count] : count_words(pairs, side)) {
    ++check.vocabulary;
    if (count == 1) ++check.once;
    if (known.contains(word)) continue;
    check.unknown += count;
    unknown.emplace_back(count, word);
  }
  std::stable_sort(unknown.begin(), unknown.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  for (std::size_t i = 0; i < std::min(unknown.size(), SideCheck::most_named); ++i)
    check.most_often_unknown.push_back(unknown[i].second);
  return check;
}

/// What a training file has: its tokens, and its sentences as text.
struct Known {
  Tokenisers tokenisers;
  Counts source_words, target_words;
  std::set<std::string> sources;
  std::set<std::pair<std::string, std::string>> pairs;
};

Known known_of(const std::vector<Pair>& pairs, const LearnTokenisers& learn) {
  Known known;
  known.tokenisers = pairs.empty() ? word_tokenisers() : learn(pairs);
  const std::vector<Pair> tokens = tokenised(pairs, known.tokenisers);
  known.source_words = count_words(tokens, &Pair::source);
  known.target_words = count_words(tokens, &Pair::target);
  for (const Pair& pair : pairs) {
    known.sources.insert(join_words(pair.source));
    known.pairs.emplace(join_words(pair.source), join_words(pair.target));
  }
  return known;
}

void find_repetitions(const PairsAndErrors& read, DataCheck& check) {
  std::map<std::string, std::map<std::string, std::size_t>> lines;  // by source, then target: where it stood first
  std::map<std::string, std::size_t> first_of_source;
  for (std::size_t i = 0; i < read.pairs.size(); ++i) {
    const std::string source = join_words(read.pairs[i].source);
    const auto [first, is_new] = first_of_source.emplace(source, read.lines[i]);
    const auto [same, is_new_pair] = lines[source].emplace(join_words(read.pairs[i].target), read.lines[i]);
    if (!is_new_pair)
      check.duplicates.push_back({read.lines[i], same->second});
    else if (!is_new)
      check.contradictions.push_back({read.lines[i], first->second});
  }
}

DataCheck check_file(const DataFile& file, const PairsAndErrors& read, const Known& known) {
  DataCheck check;
  check.name = file.name;
  check.path = file.path;
  check.pairs = read.pairs.size();
  check.errors = read.errors;
  const std::vector<Pair> tokens = tokenised(read.pairs, known.tokenisers);
  check.source = check_side(tokens, &Pair::source, known.source_words);
  check.target = check_side(tokens, &Pair::target, known.target_words);
  find_repetitions(read, check);
  for (const Pair& pair : read.pairs) {
    if (!pair.links.empty()) ++check.linked;
    const std::string source = join_words(pair.source);
    if (!known.sources.contains(source)) continue;
    ++check.sources_of_training;
    if (known.pairs.contains({source, join_words(pair.target)})) ++check.pairs_of_training;
  }
  return check;
}

}  // namespace

std::vector<DataCheck> check_data(const std::vector<DataFile>& files, const LearnTokenisers& learn) {
  std::vector<DataCheck> checks;
  Known known;
  for (const DataFile& file : files) {
    const PairsAndErrors read = read_pairs_and_errors(file.path);
    if (checks.empty()) known = known_of(read.pairs, learn);
    checks.push_back(check_file(file, read, known));
  }
  return checks;
}

}  // namespace qkv
