#include "qkv/study/compare/comparison_sets.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <set>

#include "qkv/autograd/check.h"
#include "qkv/autograd/random.h"

namespace qkv {
namespace {

bool is_trained_on(const Pair& pair, int max_length) {
  const auto most = static_cast<std::size_t>(max_length);
  return pair.source.size() <= most && pair.target.size() <= most;
}

/// As many training sentences of each length as `beside` has, in the order of the training file.
std::vector<Pair> training_sample(const std::vector<Pair>& training, int max_length, const std::vector<Pair>& beside,
                                  std::uint64_t seed) {
  std::map<std::size_t, std::vector<std::size_t>> of_length;
  for (std::size_t i = 0; i < training.size(); ++i)
    if (is_trained_on(training[i], max_length)) of_length[training[i].source.size()].push_back(i);
  std::map<std::size_t, std::size_t> wanted;
  for (const Pair& pair : beside) ++wanted[pair.source.size()];
  Random random(seed);
  std::vector<std::size_t> chosen;
  for (const auto& [length, count] : wanted) {
    std::vector<std::size_t>& there = of_length[length];
    random.shuffle(there);
    chosen.insert(chosen.end(), there.begin(),
                  there.begin() + static_cast<std::ptrdiff_t>(std::min(count, there.size())));
  }
  std::sort(chosen.begin(), chosen.end());
  std::vector<Pair> sample;
  for (const std::size_t i : chosen) sample.push_back(training[i]);
  return sample;
}

using Counts = std::map<std::size_t, std::size_t>;  // of sentences, by length

/// Cuts a range of lengths into at most so many buckets of about as many sentences each.
std::vector<LengthBucket> divided(Counts::const_iterator begin, Counts::const_iterator end, bool seen,
                                  std::size_t most) {
  std::size_t all = 0;
  for (auto it = begin; it != end; ++it) all += it->second;
  std::vector<LengthBucket> buckets;
  std::size_t before = 0, bucket_of_last = most;
  for (auto it = begin; it != end; ++it) {
    // A length belongs to the part in which the middle one of its sentences lies.
    const std::size_t part = std::min(most - 1, (before + it->second / 2) * most / std::max<std::size_t>(all, 1));
    if (part != bucket_of_last) buckets.push_back({it->first, it->first, seen});
    buckets.back().longest = it->first;
    bucket_of_last = part;
    before += it->second;
  }
  return buckets;
}

}  // namespace

std::vector<ComparisonSet> comparison_sets(const TrainingData& data, int max_length, std::uint64_t seed) {
  check(!data.tests.empty(), "comparison_sets: there is no test set");
  std::vector<ComparisonSet> sets{
      {"train", true, training_sample(data.train, max_length, data.tests.front().pairs, seed)}};
  if (sets.front().pairs.empty()) sets.clear();
  for (const auto& test : data.tests) sets.push_back({test.name, false, test.pairs});
  return sets;
}

std::string LengthBucket::name() const {
  return shortest == longest ? fmt::to_string(shortest) : fmt::format("{}-{}", shortest, longest);
}

std::vector<LengthBucket> length_buckets(const TrainingData& data, int max_length,
                                         const std::vector<ComparisonSet>& sets) {
  std::set<std::size_t> seen;
  for (const Pair& pair : data.train)
    if (is_trained_on(pair, max_length)) seen.insert(pair.source.size());
  Counts counts;
  for (const ComparisonSet& set : sets)
    for (const Pair& pair : set.pairs) ++counts[pair.source.size()];
  std::vector<LengthBucket> buckets;
  for (auto begin = counts.cbegin(); begin != counts.cend();) {
    const bool is_seen = seen.contains(begin->first);
    auto end = begin;
    while (end != counts.cend() && seen.contains(end->first) == is_seen) ++end;
    const std::vector<LengthBucket> part = divided(begin, end, is_seen, is_seen ? 5 : 2);
    buckets.insert(buckets.end(), part.begin(), part.end());
    begin = end;
  }
  return buckets;
}

}  // namespace qkv
