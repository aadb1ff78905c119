#include "qkv/datasets/korean_english/splits.h"

#include <algorithm>
#include <filesystem>
#include <gtest/gtest.h>
#include <map>
#include <regex>
#include <set>
#include <stdexcept>
#include <string>
#include <tuple>

#include "qkv/datasets/csv.h"
#include "qkv/datasets/korean_english/korean_english.h"
#include "qkv/datasets/korean_english/lexicon.h"

namespace qkv {
namespace {

using Words = std::vector<std::string>;

constexpr int enough = 16'000;  // pairs that hold every word of valid and test ten times

const KoreanEnglish& data() {
  static const KoreanEnglish made = korean_english(enough, 1);
  return made;
}

auto key(const Pair& pair) { return std::tie(pair.source, pair.target, pair.links); }

bool same(const std::vector<Pair>& a, const std::vector<Pair>& b) {
  return std::ranges::equal(a, b, [](const Pair& x, const Pair& y) { return key(x) == key(y); });
}

std::set<Words> sources(const std::vector<Pair>& pairs) {
  std::set<Words> all;
  for (const Pair& pair : pairs) all.insert(pair.source);
  return all;
}

std::map<std::size_t, int> lengths(const std::vector<Pair>& pairs) {
  std::map<std::size_t, int> count;
  for (const Pair& pair : pairs) ++count[pair.source.size()];
  return count;
}

TEST(KoreanEnglish, HasItsSizesAndEverySentenceInOnePlace) {
  EXPECT_EQ(data().train.size(), 16'000U);
  EXPECT_EQ(data().valid.size(), 1'000U);
  EXPECT_EQ(data().test.size(), 1'000U);
  EXPECT_EQ(data().long_sentences.size(), 500U);
  EXPECT_EQ(data().composition.size(), 500U);
  std::set<Words> all;
  std::size_t pairs = 0;
  for (const auto* part : {&data().train, &data().valid, &data().test, &data().long_sentences, &data().composition}) {
    all.merge(sources(*part));
    pairs += part->size();
  }
  EXPECT_EQ(all.size(), pairs) << "a sentence is in two files or twice in one";
  // and the source alone decides where it is
  for (const Pair& pair : data().train) EXPECT_EQ(grammar::split_of(pair.source), grammar::Split::train);
  for (const Pair& pair : data().valid) EXPECT_EQ(grammar::split_of(pair.source), grammar::Split::valid);
  for (const Pair& pair : data().test) EXPECT_EQ(grammar::split_of(pair.source), grammar::Split::test);
}

TEST(KoreanEnglishSlow, SpreadsLengthsEvenly) {
  for (const auto* part : {&data().train, &data().valid, &data().test}) {
    const auto count = lengths(*part);
    EXPECT_EQ(count.begin()->first, 2U);  // the weather: as many as there are
    EXPECT_EQ(count.rbegin()->first, 16U);
    int long_ones = 0;
    for (const auto& [length, number] : count) {
      if (length == 2) continue;
      EXPECT_NEAR(number, static_cast<double>(part->size()) / 14, 12) << length;
      if (length > 10) long_ones += number;
    }
    EXPECT_GE(4 * long_ones, static_cast<int>(part->size()));
  }
  const auto count = lengths(data().long_sentences);
  EXPECT_EQ(count.begin()->first, 17U);
  EXPECT_EQ(count.rbegin()->first, 24U);
}

TEST(KoreanEnglishSlow, KnowsEveryUnseenWordTenTimes) {
  for (const auto words : {&Pair::source, &Pair::target}) {
    std::map<std::string, int> count;
    for (const Pair& pair : data().train)
      for (const std::string& word : pair.*words) ++count[word];
    for (const auto* part : {&data().valid, &data().test, &data().composition})
      for (const Pair& pair : *part)
        for (const std::string& word : pair.*words) EXPECT_GE(count[word], 10) << word;
  }
}

TEST(KoreanEnglishSlow, GrowsWithoutMovingASentence) {
  const KoreanEnglish more = korean_english(enough + 1'000, 1);
  EXPECT_TRUE(same({more.train.begin(), more.train.begin() + enough}, data().train));
  EXPECT_TRUE(same(more.valid, data().valid));
  EXPECT_TRUE(same(more.test, data().test));
  EXPECT_TRUE(same(more.long_sentences, data().long_sentences));
  EXPECT_TRUE(same(more.composition, data().composition));
  EXPECT_FALSE(same(korean_english(enough, 2).test, data().test)) << "another seed, other sentences";
}

/// The verb and object of every clause in which a noun with 을/를 stands before a verb: read off the text alone, with
/// nothing from the generator but the word forms.
std::set<std::pair<std::string, std::string>> verbs_with_objects(const std::vector<Pair>& pairs) {
  using namespace grammar;
  std::map<std::string, std::string> nouns, counters, verbs;
  for (const Noun& noun : lexicon().nouns) {
    nouns[with_particle(noun.stem, Particle::accusative)] = noun.stem;
    nouns[with_particle(noun.stem + "들", Particle::accusative)] = noun.stem;
    if (noun.counter) counters[noun.stem] = with_particle(noun.counter->korean, Particle::accusative);
  }
  for (const Predicate& verb : lexicon().verbs)
    for (int ending = 0; ending <= static_cast<int>(Ending::eul); ++ending)
      verbs[conjugate(verb.stem, verb.stem_class, static_cast<Ending>(ending))] = verb.stem;
  std::set<std::pair<std::string, std::string>> found;
  for (const Pair& pair : pairs) {
    std::string object;
    for (std::size_t i = 0; i < pair.source.size(); ++i) {
      const std::string& word = pair.source[i];
      if (nouns.contains(word)) object = nouns[word];
      if (counters.contains(word) && i + 2 < pair.source.size() && pair.source[i + 2] == counters[word]) object = word;
      if (word != "안" && verbs.contains(word) && !object.empty()) {
        found.emplace(verbs[word], object);
        object.clear();
      }
    }
  }
  return found;
}

TEST(KoreanEnglishSlow, KeepsTheVerbsAndObjectsOfCompositionApart) {
  const auto in_train = verbs_with_objects(data().train);
  int seen = 0;
  for (const Pair& pair : data().composition) {
    const auto here = verbs_with_objects({pair});
    seen += std::ranges::any_of(here, [&](const auto& both) { return !in_train.contains(both); });
  }
  // the rest have the object as the head of a relative clause, which this reading of the text does not see
  EXPECT_GE(seen, 350);
  EXPECT_GT(in_train.size(), 400U);
}

TEST(KoreanEnglish, RefusesSizesItCannotGive) {
  EXPECT_THROW(korean_english(0, 1), std::invalid_argument);
  EXPECT_THROW(korean_english(-5, 1), std::invalid_argument);
  EXPECT_THROW(korean_english(1'000'001, 1), std::invalid_argument);
}

TEST(KoreanEnglishSlow, SaysExactlyHowManyPairsAreEnough) {
  const auto refusal = [](int pairs) -> std::string {
    try {
      korean_english(pairs, 3);
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "";
  };
  const std::string few = refusal(1);
  EXPECT_EQ(few.find("1 training pair is too few: every word of the unseen sentences must be in training 10 times"), 0U)
      << few;
  std::smatch number;
  ASSERT_TRUE(std::regex_search(few, number, std::regex("with this seed ([0-9]+) pairs are enough"))) << few;
  const int fewest = std::stoi(number[1]);
  EXPECT_EQ(refusal(fewest), "");
  const std::string one_fewer = refusal(fewest - 1);
  EXPECT_NE(one_fewer.find("with this seed " + number[1].str() + " pairs are enough"), std::string::npos) << one_fewer;
}

TEST(KoreanEnglish, IsTheSameOnEveryMachine) {
  std::string text;
  for (const Pair& pair : grammar::Stream(grammar::Stream::Kind::train, 2, 16, 1).draw(500)) {
    for (const auto* words : {&pair.source, &pair.target})
      for (const std::string& word : *words) text += word + ' ';
    for (const Link& link : pair.links)
      text += std::to_string(link.source) + (link.sure ? '-' : '?') + std::to_string(link.target) + ' ';
  }
  EXPECT_EQ(grammar::hash_text(text), 3523360551280153486ULL);
}

TEST(KoreanEnglish, TheSampleIsWhatTheGrammarGives) {
  const auto sample = read_pairs(QKV_SOURCE_DIR "/datasets/korean_english/sample.csv");
  EXPECT_EQ(sample.size(), 300U);
  EXPECT_TRUE(same(sample, grammar::Stream(grammar::Stream::Kind::train, 2, 16, 1).draw(300)));
}

TEST(KoreanEnglish, WritesWhatCanBeReadBack) {
  const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / "korean_english_files";
  std::filesystem::remove_all(folder);
  using grammar::Stream;
  const KoreanEnglish few{Stream(Stream::Kind::train, 2, 16, 1).draw(50),
                          Stream(Stream::Kind::valid, 2, 16, 1).draw(40), Stream(Stream::Kind::test, 2, 16, 1).draw(30),
                          Stream(Stream::Kind::any_split, 17, 24, 1).draw(20),
                          Stream(Stream::Kind::held_out, 4, 16, 1).draw(10)};
  write_korean_english((folder / "new").string(), few);
  EXPECT_TRUE(same(read_pairs((folder / "new/train.csv").string()), few.train));
  EXPECT_TRUE(same(read_pairs((folder / "new/valid.csv").string()), few.valid));
  EXPECT_TRUE(same(read_pairs((folder / "new/test.csv").string()), few.test));
  EXPECT_TRUE(same(read_pairs((folder / "new/long.csv").string()), few.long_sentences));
  EXPECT_TRUE(same(read_pairs((folder / "new/composition.csv").string()), few.composition));
  EXPECT_NO_THROW(write_korean_english((folder / "new").string(), few)) << "the files are what would be written";
  KoreanEnglish other = few;
  std::swap(other.test[0], other.test[1]);
  EXPECT_THROW(write_korean_english((folder / "new").string(), other), std::runtime_error);
  EXPECT_TRUE(same(read_pairs((folder / "new/test.csv").string()), few.test));
  write_korean_english((folder / "new").string(), other, true);
  EXPECT_TRUE(same(read_pairs((folder / "new/test.csv").string()), other.test));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace qkv
