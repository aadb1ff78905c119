#include "qkv/datasets/tokeniser.h"

#include <gtest/gtest.h>

#include "qkv/datasets/character_tokeniser.h"
#include "qkv/datasets/text.h"
#include "qkv/datasets/tokenised_pairs.h"
#include "qkv/datasets/word_tokeniser.h"
#include "tests/datasets/character_tokenisers.h"

namespace qkv {
namespace {

using Words = std::vector<std::string>;

TEST(CharacterTokeniser, MakesATokenOfEachCharacterAndOfTheSpacesBetweenWords) {
  EXPECT_EQ(CharacterTokeniser().tokens({"11월", "3일"}), (Words{"1", "1", "월", "▁", "3", "일"}));
}

TEST(CharacterTokeniser, PutsEveryTextTogetherAgain) {
  const CharacterTokeniser tokeniser;
  for (const Words& words : {Words{"a"}, Words{"ab", "c"}, Words{"▁"}, Words{"▁▁", "a▁b", "▁"},
                             Words{"한국어", ".", "👩‍👩‍👧"}, Words{"x̂ŷ", "q̣̇"}, Words{"<eos>", "<unk>"}}) {
    ASSERT_EQ(compose(join_words(words)), join_words(words)) << "no text is like that";
    const Words tokens = tokeniser.tokens(words);
    EXPECT_EQ(tokeniser.words(tokens), words);
    for (const std::string& token : tokens) EXPECT_EQ(split_words(token), Words{token});
  }
}

TEST(CharacterTokeniser, PutsTogetherWhatNoTextMakes) {
  const CharacterTokeniser tokeniser;
  EXPECT_EQ(tokeniser.words({"▁", "a", "▁", "▁", "b", "▁"}), (Words{"a", "b"}));
  EXPECT_EQ(tokeniser.words({}), Words{});
  EXPECT_EQ(tokeniser.words({"e", "\u0301"}), Words{"é"});  // as text is: in NFC
}

TEST(Tokeniser, KnowsWhereEachTokenStandsInTheText) {
  const Words words{"ab", "가"};
  const WordTokeniser of_words;
  EXPECT_EQ(of_words.places(of_words.tokens(words)), (std::vector<TokenPlace>{{0, 0, 2}, {1, 3, 1}}));
  const CharacterTokeniser of_characters;
  EXPECT_EQ(of_characters.places(of_characters.tokens(words)),
            (std::vector<TokenPlace>{{0, 0, 1}, {0, 1, 1}, {TokenPlace::none, 2, 1}, {1, 3, 1}}));
}

TEST(TokenisedPairs, StayAsTheyAreWhereTokensAreWords) {
  const Pair pair{{"a", "b"}, {"c"}, {{1, 0, false}, {0, 0, true}}};
  const Pair same = tokenised(pair, word_tokenisers());
  EXPECT_EQ(same.source, pair.source);
  EXPECT_EQ(same.target, pair.target);
  EXPECT_EQ(same.links, pair.links);
}

TEST(TokenisedPairs, LinkAllTokensOfLinkedWords) {
  const Pair pair = tokenised({{"ab", "c"}, {"de"}, {{0, 0, true}, {1, 0, false}}}, character_tokenisers());
  EXPECT_EQ(pair.source, (Words{"a", "b", "▁", "c"}));
  EXPECT_EQ(pair.links,
            (std::vector<Link>{{0, 0, true}, {0, 1, true}, {1, 0, true}, {1, 1, true}, {3, 0, false}, {3, 1, false}}));
}

TEST(TokenisedPairs, TakeLinksBetweenCharactersAsTheyAreOrToTheWordsThatHoldThem) {
  const Pair pair{{"1월", "2일"}, {"01-02"}, {{0, 0, true}, {0, 1, false}, {3, 4, true}}, LinkUnit::character};
  EXPECT_EQ(tokenised(pair, character_tokenisers()).links, pair.links);
  EXPECT_EQ(tokenised(pair, word_tokenisers()).links, (std::vector<Link>{{0, 0, true}, {1, 0, true}}));
}

}  // namespace
}  // namespace qkv
