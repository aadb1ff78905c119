#include "qkv/datasets/vocabulary.h"

#include <gtest/gtest.h>
#include <stdexcept>

#include "qkv/datasets/text.h"
#include "qkv/files/durable_file.h"
#include "tests/files/temporary_folder.h"

namespace qkv {
namespace {

using Words = std::vector<std::string>;

std::vector<Pair> sentences(const Words& texts) {
  std::vector<Pair> pairs;
  for (const std::string& text : texts) pairs.push_back({split_words(text), {"the", "target"}, {}});
  return pairs;
}

Vocabulary vocabulary_of(const Words& texts, int min_frequency = 1) {
  return Vocabulary(sentences(texts), &Pair::source, min_frequency);
}

Words tokens(const Vocabulary& vocabulary) {
  Words result;
  for (std::int32_t id = 0; id < vocabulary.size(); ++id) result.push_back(vocabulary.word(id));
  return result;
}

TEST(Vocabulary, OrdersByFrequencyThenByBytes) {
  const auto vocabulary = vocabulary_of({"b a c", "c 나 가", "c b a", "나 d 가"});
  EXPECT_EQ(tokens(vocabulary), (Words{"<pad>", "<bos>", "<eos>", "<unk>", "c", "a", "b", "가", "나", "d"}));
}

TEST(Vocabulary, LeavesOutRareWords) {
  EXPECT_EQ(tokens(vocabulary_of({"a b a", "c b a"}, 2)), (Words{"<pad>", "<bos>", "<eos>", "<unk>", "a", "b"}));
  EXPECT_EQ(tokens(vocabulary_of({"a b a", "c b a"}, 4)).size(), 4u);
  EXPECT_EQ(message_of<std::invalid_argument>([] { vocabulary_of({"a"}, 0); }),
            "vocabulary: the least frequency is 0; it must be 1 or more");
}

TEST(Vocabulary, CountsTheSideThatItIsToldTo) {
  EXPECT_EQ(tokens(Vocabulary(sentences({"a"}), &Pair::target)),
            (Words{"<pad>", "<bos>", "<eos>", "<unk>", "target", "the"}));
}

TEST(Vocabulary, EncodesAndDecodes) {
  const auto vocabulary = vocabulary_of({"a b", "a"});
  EXPECT_EQ(vocabulary.encode({"b", "zebra", "a"}), (std::vector<std::int32_t>{5, unknown_id, 4}));
  EXPECT_EQ(vocabulary.encode_with_eos({"b", "a"}), (std::vector<std::int32_t>{5, 4, eos_id}));
  EXPECT_EQ(vocabulary.encode_with_bos({"b", "a"}), (std::vector<std::int32_t>{bos_id, 5, 4}));
  EXPECT_EQ(vocabulary.decode(std::vector<std::int32_t>{4, 5, 3, 2}), (Words{"a", "b", "<unk>", "<eos>"}));
  EXPECT_TRUE(vocabulary.contains("a"));
  EXPECT_FALSE(vocabulary.contains("zebra"));
  EXPECT_EQ(message_of<std::invalid_argument>([&] { vocabulary.word(6); }),
            "vocabulary: no token has the id 6; there are 6, from 0");
  EXPECT_THROW(vocabulary.word(-1), std::invalid_argument);
  EXPECT_THROW(vocabulary.decode(std::vector<std::int32_t>{4, 99}), std::invalid_argument);
}

TEST(Vocabulary, TakesSpecialTokensInTextForUnknownWords) {
  const auto vocabulary = vocabulary_of({"a <eos> <eos> <pad>", "<unk>"});
  EXPECT_EQ(tokens(vocabulary), (Words{"<pad>", "<bos>", "<eos>", "<unk>", "a"}));
  EXPECT_EQ(vocabulary.encode({"<eos>", "<pad>", "<bos>"}), (std::vector<std::int32_t>(3, unknown_id)));
  EXPECT_FALSE(vocabulary.contains("<eos>"));
}

TEST(Vocabulary, FindsTheNearestKnownWord) {
  const auto vocabulary = vocabulary_of({"학생이 학생이 학교는 병원에 갑니다 갔습니다 . school scholar"});
  EXPECT_EQ(vocabulary.nearest("학교에"), "학교는");
  EXPECT_EQ(vocabulary.nearest("갑니까"), "갑니다");
  EXPECT_EQ(vocabulary.nearest("shool"), "school");
  EXPECT_EQ(vocabulary.nearest("multihead"), std::nullopt) << "nothing is near";
  EXPECT_EQ(vocabulary_of({}).nearest("a"), std::nullopt);
  // equally far: the longer common beginning wins, then the more frequent word
  EXPECT_EQ(vocabulary_of({"xat xat car"}).nearest("cat"), "car");
  EXPECT_EQ(vocabulary_of({"car cab cab"}).nearest("cat"), "cab");
}

TEST(Vocabulary, TheSearchForTheNearestWordIsBounded) {
  std::string many = std::string(1'000'000, 'b') + " cab";
  for (int i = 0; i < 2'000; ++i) many += " w" + std::to_string(i);
  const auto vocabulary = vocabulary_of({many});
  // Every known word against a million letters is minutes of work; against a word as people write it, none.
  EXPECT_EQ(vocabulary.nearest(std::string(1'000'000, 'a')), std::nullopt) << "no slip of the pen";
  EXPECT_EQ(vocabulary.nearest("cat"), "cab");
  EXPECT_EQ(vocabulary_of({std::string(199, 'a')}).nearest(std::string(200, 'a')), std::string(199, 'a'));
}

TEST(Vocabulary, ReadsWhatItWrites) {
  const TemporaryFolder folder;
  const auto vocabulary = vocabulary_of({"나는 학교에 갑니다 .", "나는 \" , ."});
  vocabulary.save(folder / "source.vocab");
  EXPECT_EQ(tokens(Vocabulary::load(folder / "source.vocab")), tokens(vocabulary));
  EXPECT_EQ(read_file(folder / "source.vocab").substr(0, 33), "<pad>\n<bos>\n<eos>\n<unk>\n.\n나는\n");
  EXPECT_EQ(Vocabulary::load(folder / "source.vocab").id("나는"), 5);
}

TEST(Vocabulary, NamesTheLineThatIsWrong) {
  const TemporaryFolder folder;
  const auto error = [&](std::string_view bytes) {
    const std::string path = folder.file("v", bytes);
    return message_of<std::runtime_error>([&] { Vocabulary::load(path); }).substr(folder.path().size() + 1);
  };
  const std::string first = "<pad>\n<bos>\n<eos>\n<unk>\n";
  const std::string four = ": the first four lines are <pad> <bos> <eos> <unk>";
  EXPECT_EQ(error(""), "v:1: \"\" where the special token <pad> belongs" + four);
  EXPECT_EQ(error("<pad>\n<bos>\n"), "v:3: \"\" where the special token <eos> belongs" + four);
  EXPECT_EQ(error("<pad>\n<bos>\n<unk>\n<eos>\n"), "v:3: \"<unk>\" where the special token <eos> belongs" + four);
  EXPECT_EQ(error(first + "a\n\nb\n"), "v:6: the line is empty; each holds one token");
  EXPECT_EQ(error(first + "a\nb\n\n"), "v:7: the line is empty; each holds one token");
  EXPECT_EQ(error(first + "a\nb\na\n"), "v:7: the token \"a\" occurs twice, first on line 5");
  EXPECT_EQ(error(first + "<pad>\n"), "v:5: the special token <pad> occurs twice");
  EXPECT_EQ(error(first + "a b\n"), "v:5: there is a space in the token \"a b\"");
  EXPECT_EQ(error(first + "a\r\n"), "v:5: the line ends with a carriage return; lines end with LF alone");
  EXPECT_EQ(error(first + "\xff\n"), "v:5: invalid UTF-8: byte 0xff");
  EXPECT_EQ(error(first + "e\xcc\x81\n"), "v:5: the token \"e\xcc\x81\" is not in NFC, so that no text can contain it");
  EXPECT_EQ(message_of<std::runtime_error>([&] { Vocabulary::load(folder / "none"); }),
            (folder / "none") + ": cannot open: No such file or directory");
}

}  // namespace
}  // namespace qkv
