#include "qkv/translation/judged_links.h"

#include <gtest/gtest.h>

#include "qkv/datasets/tokenised_pairs.h"
#include "qkv/translation/alignment_error.h"
#include "tests/datasets/character_tokenisers.h"

namespace qkv {
namespace {

using Words = std::vector<std::string>;

// "ab c" to "de": the words are linked 1-0.
TEST(JudgedLinks, SumOverTheSourceWordsTokensAndAverageOverTheTargets) {
  const Tokenisers tokenisers = character_tokenisers();
  const Pair words{{"ab", "c"}, {"de"}, {{1, 0, true}}};
  const JudgedLinks judged(tokenised(words, tokenisers), tokenisers);
  EXPECT_EQ(judged.pair().source, words.source);
  EXPECT_EQ(judged.pair().target, words.target);
  EXPECT_EQ(judged.pair().links, words.links);
  const std::vector<float> tokens{.25f,  .125f, .5f, .0625f, .0625f,  // a b ▁ c <eos>
                                  .125f, 0,     .5f, .3125f, .0625f,  //
                                  9,     9,     9,   9,      9};      // the row of <eos>
  EXPECT_EQ(judged.weights(tokens, 5), (std::vector<float>{.25f, .1875f}));
}

TEST(JudgedLinks, BetweenWordsHaveTheErrorThatTheWordsHave) {
  const Pair words{{"ab", "c"}, {"de", "f"}, {{1, 0, true}, {0, 1, false}}};
  const std::vector<float> of_words{.25f, .75f, 1, 0};
  // Each word's weight is shared among its characters.
  const std::vector<float> of_characters{.125f, .125f, 0, .75f, .125f, .125f, 0, .75f, 9, 9, 9, 9, .5f, .5f, 0, 0};
  const Tokenisers characters = character_tokenisers();
  const JudgedLinks by_words(words, word_tokenisers()), by_characters(tokenised(words, characters), characters);
  EXPECT_EQ(by_characters.weights(of_characters, 4), by_words.weights(of_words, 2));
  const double error = judge_attention(of_words, 2, words).error_rate();
  EXPECT_EQ(judge_attention(by_characters.weights(of_characters, 4), 2, by_characters.pair()).error_rate(), error);
}

TEST(JudgedLinks, BetweenCharactersAreJudgedBetweenTokens) {
  const Tokenisers tokenisers = character_tokenisers();
  const Pair text{{"1월"}, {"01"}, {{0, 1, true}}, LinkUnit::character};
  const JudgedLinks judged(tokenised(text, tokenisers), tokenisers);
  EXPECT_EQ(judged.pair().source, (Words{"1", "월"}));
  EXPECT_EQ(judged.pair().links, text.links);
  const std::vector<float> weights{.75f, .25f, .5f, .5f};
  EXPECT_EQ(judged.weights(weights, 2), weights);
}

TEST(JudgedLinks, RefuseTooFewWeights) {
  const JudgedLinks judged({{"a", "b"}, {"c"}, {}}, word_tokenisers());
  EXPECT_THROW(judged.weights(std::vector<float>(1), 1), std::invalid_argument);
  EXPECT_THROW(judged.weights(std::vector<float>(1), 2), std::invalid_argument);
}

}  // namespace
}  // namespace qkv
