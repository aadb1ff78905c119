#include "qkv/datasets/bpe_tokeniser.h"

#include <gtest/gtest.h>

#include "qkv/datasets/text.h"
#include "qkv/files/durable_file.h"
#include "qkv/files/utf8.h"
#include "tests/files/temporary_folder.h"

namespace qkv {
namespace {

using Words = std::vector<std::string>;

/// Sentences in which "lower", "lowest", "newer", "newest" and so on are there often, and each letter too.
std::vector<Pair> training() {
  std::vector<Pair> pairs;
  for (const char* stem : {"low", "new", "wide", "slow"})
    for (const char* end : {"er", "est", "ly", ""})
      for (int i = 0; i < 20; ++i) pairs.push_back({{std::string(stem) + end, "학교에서"}, {"x"}, {}});
  pairs.push_back({{"abcdefghijklmnopqrstuvwxyz", "학교"}, {"x"}, {}});
  return pairs;
}

BpeTokeniser learnt(int size = 60, int min_frequency = 1) {
  return BpeTokeniser(training(), &Pair::source, size, min_frequency);
}

/// Its vocabulary, as a training makes it.
Vocabulary vocabulary_of(const BpeTokeniser& tokeniser, int min_frequency = 1) {
  std::vector<Pair> pairs = training();
  for (Pair& pair : pairs) pair.source = tokeniser.tokens(pair.source);
  return Vocabulary(pairs, &Pair::source, min_frequency);
}

TEST(BpeTokeniser, JoinsWhatIsOftenSideBySide) {
  const BpeTokeniser tokeniser = learnt();
  EXPECT_EQ(tokeniser.tokens({"학교에서"}), Words{"▁학교에서"});
  EXPECT_LT(tokeniser.tokens({"lowest"}).size(), 4U);
  EXPECT_EQ(tokeniser.tokens({"zq"}), (Words{"▁", "z", "q"}));  // never together: letter by letter
}

TEST(BpeTokeniser, PutsEveryTextTogetherAgain) {
  const BpeTokeniser tokeniser = learnt();
  for (const Words& words :
       {Words{"slowest", "wide", "학교"}, Words{"▁"}, Words{"▁▁", "a▁b"}, Words{"never", "seen", "é", "한", "👩"},
        Words{"<unk>", "<eos>", "⁇"}, Words{"12", "%3", "\\n"}}) {
    const Words tokens = tokeniser.tokens(words);
    EXPECT_EQ(tokeniser.words(tokens), words);
    for (const std::string& token : tokens) EXPECT_EQ(split_words(token), Words{token});
    std::vector<TokenPlace> places = tokeniser.places(tokens);
    ASSERT_EQ(places.size(), tokens.size());
    EXPECT_EQ(places.back().word, static_cast<int>(words.size()) - 1);
    EXPECT_EQ(places.back().first + places.back().count, static_cast<int>(code_points(join_words(words)).size()));
  }
}

TEST(BpeTokeniser, KnowsWhereItsPiecesStand) {
  const BpeTokeniser tokeniser = learnt();
  EXPECT_EQ(tokeniser.places({"▁학교에서", "▁", "z", "q"}),
            (std::vector<TokenPlace>{{0, 0, 4}, {1, 5, 0}, {1, 5, 1}, {1, 6, 1}}));
}

TEST(BpeTokeniser, LearnsTheSameFromTheSameTexts) {
  const TemporaryFolder folder;
  learnt().save(folder / "a.bpe");
  learnt().save(folder / "b.bpe");
  EXPECT_EQ(read_file(folder / "a.bpe"), read_file(folder / "b.bpe"));
}

TEST(BpeTokeniser, KeepsToTheSizeAndToPiecesThatAreFrequentEnough) {
  const auto vocabulary_size = [](int size) { return vocabulary_of(learnt(size)).size(); };
  EXPECT_LE(vocabulary_size(45), 45 + special_tokens);
  EXPECT_LT(vocabulary_size(45), vocabulary_size(60));
  EXPECT_EQ(vocabulary_size(5000), vocabulary_size(6000));  // there are no more
  // "abcdef…" is there once, and "▁학교" by itself too: rare pieces are cut up instead of being unknown.
  const BpeTokeniser frequent = learnt(200, 10);
  const Vocabulary vocabulary = vocabulary_of(frequent, 10);
  const Vocabulary all = vocabulary_of(learnt(200));
  EXPECT_LT(vocabulary.size(), all.size());
  EXPECT_GT(frequent.tokens({"abcdefghijklmnopqrstuvwxyz"}).size(), 20U);
}

TEST(BpeTokeniser, SaysHowLargeTheSizeMustBe) {
  const std::string message = message_of<std::invalid_argument>([] { learnt(10); });
  EXPECT_EQ(
      message,
      "`bpe_size` 10 is too small: each of the 30 characters of the texts is a piece, ▁ and <unk> are two more; it "
      "must be 32 or more");
  EXPECT_NO_THROW(learnt(32));
  EXPECT_THROW(learnt(31), std::invalid_argument);
}

TEST(BpeTokeniser, IsReadAsItWasWritten) {
  const TemporaryFolder folder;
  for (const int min_frequency : {1, 10}) {
    const BpeTokeniser tokeniser = learnt(200, min_frequency);
    tokeniser.save(folder / "source.bpe");
    const BpeTokeniser read(folder / "source.bpe", vocabulary_of(tokeniser, min_frequency));
    for (const Pair& pair : training()) EXPECT_EQ(read.tokens(pair.source), tokeniser.tokens(pair.source));
    for (const char* word : {"lowlier", "new", "widest", "학교에", "학"})
      EXPECT_EQ(read.tokens({word}), tokeniser.tokens({word})) << word;
  }
}

TEST(BpeTokeniser, RefusesAFileThatIsDamagedOrCutOrOfAnotherRun) {
  const TemporaryFolder folder;
  const BpeTokeniser tokeniser = learnt();
  const Vocabulary vocabulary = vocabulary_of(tokeniser);
  const std::string path = folder / "source.bpe";
  tokeniser.save(path);
  const std::string whole = read_file(path);
  const auto message = [&](const std::string& bytes) {
    folder.file("source.bpe", bytes);
    return message_of<std::runtime_error>([&] { BpeTokeniser(path, vocabulary); });
  };
  for (const std::size_t size : {std::size_t{0}, std::size_t{5}, whole.size() / 2, whole.size() - 11, whole.size() - 1})
    EXPECT_TRUE(message(whole.substr(0, size)).starts_with(path + ": it is damaged")) << size;
  for (const std::size_t at : {std::size_t{3}, whole.size() / 2, whole.size() - 1}) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 0x10);
    EXPECT_TRUE(message(changed).starts_with(path + ": it is damaged")) << at;
  }
  EXPECT_TRUE(message(whole + whole).starts_with(path + ": it is damaged"));
  BpeTokeniser({{{"uvw", "other"}, {"x"}, {}}}, &Pair::source, 20, 1).save(path);
  const std::string other = message_of<std::runtime_error>([&] { BpeTokeniser(path, vocabulary); });
  EXPECT_TRUE(other.starts_with(path + ": it does not have the piece ")) << other;
  const std::string missing = folder / "no.bpe";
  EXPECT_NE(message_of<std::runtime_error>([&] { BpeTokeniser(missing, vocabulary); }).find(missing),
            std::string::npos);
}

}  // namespace
}  // namespace qkv
