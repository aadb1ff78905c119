#include "qkv/datasets/data_check.h"

#include <gtest/gtest.h>
#include <memory>
#include <stdexcept>

#include "qkv/datasets/character_tokeniser.h"
#include "tests/files/temporary_folder.h"

namespace qkv {
namespace {

TEST(DataCheck, ReadsToTheEndWhateverIsWrong) {
  const TemporaryFolder folder;
  const std::string path = folder.file("data.csv",
                                       "source,target,alignment\n"
                                       "a,b,0-0\n"
                                       "a,,\n"
                                       "a b\n"
                                       "\"a,b,\n"
                                       "a \xff,b,\n"
                                       "\n"
                                       "c,d,0-7\n"
                                       "c d,e f,0-0 1?1\n");
  const PairsAndErrors read = read_pairs_and_errors(path);
  ASSERT_EQ(read.pairs.size(), 2u);
  EXPECT_EQ(read.lines, (std::vector<std::size_t>{2, 9}));
  EXPECT_EQ(read.pairs[1].source, (std::vector<std::string>{"c", "d"}));
  EXPECT_EQ(read.pairs[1].links.size(), 2u);
  ASSERT_EQ(read.errors.size(), 6u);
  for (std::size_t i = 0; i < read.errors.size(); ++i)
    EXPECT_EQ(read.errors[i].find(path + ":" + std::to_string(3 + i) + ": "), 0u) << read.errors[i];
  EXPECT_EQ(read.errors[0], path + ":3: column \"target\", character 3: the sentence is empty");
}

TEST(DataCheck, SaysWhatReadPairsSaysOfTheFirstError) {
  const TemporaryFolder folder;
  const std::string path = folder.file("data.csv", "source,target\na,b\nc,\n\"d,e\n");
  const std::string first = message_of<std::runtime_error>([&] { read_pairs(path); });
  EXPECT_EQ(read_pairs_and_errors(path).errors.front(), first);
}

TEST(DataCheck, EndsAtALineThatIsTooLong) {
  const TemporaryFolder folder;
  const std::string path = folder.file("data.csv", "source,target\na,b\n" + std::string(17'000'000, 'x') + ",y\nc,d\n");
  const PairsAndErrors read = read_pairs_and_errors(path);
  EXPECT_EQ(read.pairs.size(), 1u);
  ASSERT_EQ(read.errors.size(), 1u);
  EXPECT_NE(read.errors.front().find(":3: the line is longer than 16 MiB"), std::string::npos) << read.errors.front();
}

TEST(DataCheck, CountsWordsAndLengths) {
  const TemporaryFolder folder;
  const DataCheck check = check_data({{"t", folder.file("t.csv", "source,target\na b a,x\nc,x y\n")}}).front();
  EXPECT_EQ(check.pairs, 2u);
  EXPECT_EQ(check.linked, 0u);
  EXPECT_EQ(check.source.words, 4u);
  EXPECT_EQ(check.source.shortest, 1u);
  EXPECT_EQ(check.source.longest, 3u);
  EXPECT_EQ(check.source.lengths, (std::vector<std::size_t>{0, 1, 0, 1}));
  EXPECT_EQ(check.source.vocabulary, 3u);
  EXPECT_EQ(check.source.once, 2u);
  EXPECT_EQ(check.target.vocabulary, 2u);
}

TEST(DataCheck, CountsTheTokensThatAModelWouldRead) {
  const TemporaryFolder folder;
  const std::string train = folder.file("train.csv", "source,target,alignment\nab ba,12,1-0\na b,21,\n");
  const std::string test = folder.file("test.csv", "source,target\nabab,1221\na b,211\nc,3\n");
  const auto check_with = [&](const LearnTokenisers& learn) {
    return check_data({{"train", train}, {"test", test}}, learn);
  };
  const auto words = check_data({{"train", train}, {"test", test}});
  EXPECT_EQ(words[1].target.unknown, 3u) << "no word is known";
  const auto characters = check_with([](const auto&) {
    const auto tokeniser = std::make_shared<const CharacterTokeniser>();
    return Tokenisers{tokeniser, tokeniser};
  });
  EXPECT_EQ(characters[0].linked, 1u);
  EXPECT_EQ(characters[0].source.words, 8u) << "five, a space among them, and three";
  EXPECT_EQ(characters[0].source.lengths, (std::vector<std::size_t>{0, 0, 0, 1, 0, 1}));
  EXPECT_EQ(characters[0].source.vocabulary, 3u);
  EXPECT_EQ(characters[1].target.words, 8u);
  EXPECT_EQ(characters[1].target.unknown, 1u);
  EXPECT_EQ(characters[1].target.most_often_unknown, (std::vector<std::string>{"3"}));
  EXPECT_EQ(characters[1].sources_of_training, 1u) << "of a sentence, whatever its tokens";
  std::size_t learnt_from = 0;
  check_with([&](const std::vector<Pair>& pairs) {
    learnt_from += pairs.size();
    return word_tokenisers();
  });
  EXPECT_EQ(learnt_from, 2u) << "from the training file, once";
}

TEST(DataCheck, FindsRepetitionsInsideAFileAndBetweenFiles) {
  const TemporaryFolder folder;
  const std::string train = folder.file("train.csv", "source,target\na,x\nb,y\na,x\na,z\nb,\nb,y\n");
  const std::string test = folder.file("test.csv", "source,target,alignment\na,x,0-0\nb,q,\nc q q p,x r,\n");
  const std::vector<DataCheck> checks = check_data({{"train", train}, {"test", test}});
  EXPECT_EQ(checks[0].duplicates, (std::vector<Repetition>{{4, 2}, {7, 3}}));
  EXPECT_EQ(checks[0].contradictions, (std::vector<Repetition>{{5, 2}}));
  EXPECT_EQ(checks[1].pairs_of_training, 1u);
  EXPECT_EQ(checks[1].sources_of_training, 2u);
  EXPECT_EQ(checks[1].linked, 1u);
  EXPECT_EQ(checks[1].source.unknown, 4u);
  EXPECT_EQ(checks[1].source.most_often_unknown, (std::vector<std::string>{"q", "c", "p"}));
  EXPECT_EQ(checks[1].target.most_often_unknown, (std::vector<std::string>{"q", "r"}));
  EXPECT_TRUE(checks[1].duplicates.empty());
}

}  // namespace
}  // namespace qkv
