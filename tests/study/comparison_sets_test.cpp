#include "qkv/study/compare/comparison_sets.h"

#include <algorithm>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <map>

#include "qkv/translation/metrics.h"

namespace qkv {
namespace {

Pair of_length(std::size_t words, int number) { return {Sentence(words, fmt::format("w{}", number)), {"x"}, {}}; }

/// Training has 50 sentences of each of 2 to 9 words; the test sets 10 of each, and 12 of 10 to 13 words.
TrainingData data() {
  TrainingData data;
  data.tests = {{"test", "test.csv", {}}, {"long", "long.csv", {}}};
  for (int i = 0; i < 50; ++i)
    for (std::size_t words = 2; words <= 9; ++words) data.train.push_back(of_length(words, i));
  for (int i = 0; i < 10; ++i)
    for (std::size_t words = 2; words <= 9; ++words) data.tests[0].pairs.push_back(of_length(words, 100 + i));
  for (int i = 0; i < 3; ++i)
    for (std::size_t words = 10; words <= 13; ++words) data.tests[1].pairs.push_back(of_length(words, 200 + i));
  return data;
}

TEST(ComparisonSets, HoldAsManyTrainingSentencesOfEachLengthAsTheTestSet) {
  const TrainingData all = data();
  const std::vector<ComparisonSet> sets = comparison_sets(all, 100, 1);
  ASSERT_EQ(sets.size(), 3U);
  EXPECT_EQ(sets[0].name, "train");
  EXPECT_TRUE(sets[0].training);
  EXPECT_FALSE(sets[1].training);
  std::map<std::size_t, int> lengths;
  for (const Pair& pair : sets[0].pairs) {
    ++lengths[pair.source.size()];
    EXPECT_TRUE(std::any_of(all.train.begin(), all.train.end(),
                            [&](const Pair& trained) { return trained.source == pair.source; }));
  }
  for (std::size_t words = 2; words <= 9; ++words) EXPECT_EQ(lengths[words], 10) << words;
  const auto first_words = [](const std::vector<ComparisonSet>& of) {
    std::vector<std::string> words;
    for (const Pair& pair : of[0].pairs) words.push_back(pair.source[0]);
    return words;
  };
  EXPECT_EQ(first_words(sets), first_words(comparison_sets(all, 100, 1)));
  EXPECT_NE(first_words(sets), first_words(comparison_sets(all, 100, 2)));
}

TEST(ComparisonSets, DrawNoTrainingSentenceThatWasLeftOut) {
  const std::vector<ComparisonSet> sets = comparison_sets(data(), 5, 1);
  for (const Pair& pair : sets[0].pairs) EXPECT_LE(pair.source.size(), 5U);
}

TEST(ComparisonSets, LengthsThatTrainingHasNotAreBucketsOfTheirOwn) {
  const TrainingData all = data();
  const std::vector<LengthBucket> buckets = length_buckets(all, 100, comparison_sets(all, 100, 1));
  std::string names;
  for (const LengthBucket& bucket : buckets) names += bucket.name() + (bucket.seen ? " " : "! ");
  EXPECT_EQ(names, "2-3 4 5-6 7 8-9 10-11! 12-13! ");
  // Every length is in one bucket.
  for (std::size_t words = 2; words <= 13; ++words)
    EXPECT_EQ(std::count_if(buckets.begin(), buckets.end(),
                            [&](const LengthBucket& bucket) { return bucket.contains(words); }),
              1)
        << words;
}

TEST(ComparisonSets, AGapInTrainingIsUnseen) {
  TrainingData all = data();
  std::erase_if(all.train, [](const Pair& pair) { return pair.source.size() == 5; });
  for (const LengthBucket& bucket : length_buckets(all, 100, comparison_sets(all, 100, 1))) {
    EXPECT_EQ(bucket.seen, bucket.longest < 10 && bucket.name() != "5") << bucket.name();
  }
}

}  // namespace
}  // namespace qkv
