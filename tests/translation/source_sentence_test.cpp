#include "qkv/translation/source_sentence.h"

#include <gtest/gtest.h>

#include "qkv/datasets/bpe_tokeniser.h"

namespace qkv {
namespace {

using Words = std::vector<std::string>;

SourceSentence read(const std::string& text) {
  static const Vocabulary vocabulary({{{"저는", "책을", "읽습니다", ".", "?", "a.b", "씨."}, {"x"}, {}}},
                                     &Pair::source);
  return read_source(text, vocabulary);
}

TEST(SourceSentence, IsItsWords) {
  EXPECT_EQ(read("저는 책을  읽습니다 .").words, (Words{"저는", "책을", "읽습니다", "."}));
  EXPECT_EQ(read("\t저는\xe3\x80\x80책을 ").words, (Words{"저는", "책을"}));  // an ideographic space
  EXPECT_TRUE(read("").words.empty());
  EXPECT_TRUE(read("  ").words.empty());
}

TEST(SourceSentence, SplitsAFinalMarkOffWhereThatMakesKnownWords) {
  EXPECT_EQ(read("저는 책을 읽습니다.").words, (Words{"저는", "책을", "읽습니다", "."}));
  EXPECT_EQ(read("읽습니다?").words, (Words{"읽습니다", "?"}));
  EXPECT_EQ(read("읽습니다!").words, (Words{"읽습니다!"}));               // "!" is not known
  EXPECT_EQ(read("모릅니다.").words, (Words{"모릅니다."}));               // nor is this
  EXPECT_EQ(read("씨.").words, (Words{"씨."}));                           // a known word stays as it is
  EXPECT_EQ(read("책을. 읽습니다").words, (Words{"책을.", "읽습니다"}));  // only at the end
  EXPECT_EQ(read(".").words, (Words{"."}));
  EXPECT_EQ(read("..").words, (Words{".", "."}));
}

TEST(SourceSentence, SplitsAFinalMarkOffPiecesOfWordsToo) {
  const Words words{"el", "gato", "es", "rojo", "."};
  const BpeTokeniser pieces(std::vector<Pair>(50, Pair{words, {"x"}, {}}), &Pair::source, 40, 1);
  const Vocabulary vocabulary({{pieces.tokens(words), {"x"}, {}}}, &Pair::source);
  EXPECT_FALSE(vocabulary.contains("."));
  const SourceSentence sentence = read_source("el gato es rojo.", vocabulary, pieces);
  EXPECT_EQ(sentence.unknown, Words{});
  EXPECT_EQ(pieces.words(sentence.words), words);
}

TEST(SourceSentence, NamesUnknownWords) {
  EXPECT_TRUE(read("저는 책을 읽습니다.").unknown.empty());
  EXPECT_EQ(read("저는 <eos> 봅니다.").unknown, (Words{"<eos>", "봅니다."}));
}

TEST(SourceSentence, IsNormalised) {
  EXPECT_EQ(read("\xe1\x84\x8e\xe1\x85\xa2\xe1\x86\xa8\xe1\x84\x8b\xe1\x85\xb3\xe1\x86\xaf").words, (Words{"책을"}));
  EXPECT_THROW(read("\xff"), std::invalid_argument);
}

}  // namespace
}  // namespace qkv
