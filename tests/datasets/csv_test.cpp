#include "qkv/datasets/csv.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <stdexcept>

#include "qkv/files/durable_file.h"
#include "tests/files/temporary_folder.h"

namespace qkv {
namespace {

using Words = std::vector<std::string>;

std::vector<Pair> read(std::string_view bytes) {
  const TemporaryFolder folder;
  return read_pairs(folder.file("data.csv", bytes));
}

/// The message without the name of the folder.
std::string error(std::string_view bytes) {
  const TemporaryFolder folder;
  const std::string path = folder.file("data.csv", bytes);
  std::string message = message_of<std::runtime_error>([&] { read_pairs(path); });
  EXPECT_EQ(message.find(path), 0u) << message;
  return message.substr(folder.path().size() + 1);
}

TEST(Csv, ReadsSentencesAndLinks) {
  const auto pairs =
      read("source,target,alignment\n나는 학교에 갑니다 .,i go to school .,0-0 2-1 1?2 1-3 3-4\n네 .,yes .,\n");
  ASSERT_EQ(pairs.size(), 2u);
  EXPECT_EQ(pairs[0].source, (Words{"나는", "학교에", "갑니다", "."}));
  EXPECT_EQ(pairs[0].target, (Words{"i", "go", "to", "school", "."}));
  EXPECT_EQ(pairs[0].links, (std::vector<Link>{{0, 0, true}, {2, 1, true}, {1, 2, false}, {1, 3, true}, {3, 4, true}}));
  EXPECT_TRUE(pairs[1].links.empty());
}

TEST(Csv, ReadsLinksBetweenCharactersWhereTheUnitSaysSo) {
  const std::string header = "source,target,alignment,alignment_unit\n";
  const auto pairs = read(header + "1월 2일,01-02,0-1 3?4,character\na b,c,1-0,word\n");
  EXPECT_EQ(pairs[0].links, (std::vector<Link>{{0, 1, true}, {3, 4, false}}));
  EXPECT_EQ(pairs[0].link_unit, LinkUnit::character);
  EXPECT_EQ(pairs[1].link_unit, LinkUnit::word);
  EXPECT_EQ(error(header + "1월 2일,01,5-0,character\n"),
            "data.csv:2: column \"alignment\", character 10: link 5-0 is outside its sentence: the source has 5 "
            "characters, counted from 0");
  EXPECT_EQ(error(header + "a,b,0-0,letter\n"),
            "data.csv:2: column \"alignment_unit\", character 9: \"letter\" is neither word nor character, which "
            "links are between");
  EXPECT_EQ(error("source,target,alignment_unit\na,b,word\n"),
            "data.csv:1: there is a column \"alignment_unit\", but no column \"alignment\"");
}

TEST(Csv, FindsItsColumnsInAnyOrderAndIgnoresOthers) {
  const auto pairs = read("id,target,\"a, b\",source\n7,yes,\"x, \"\"y\"\"\",oui\n");
  ASSERT_EQ(pairs.size(), 1u);
  EXPECT_EQ(pairs[0].source, Words{"oui"});
  EXPECT_EQ(pairs[0].target, Words{"yes"});
}

TEST(Csv, UnderstandsQuotesCarriageReturnsAndAByteOrderMark) {
  const auto pairs = read("\xef\xbb\xbf\"source\",target\r\n\"a \"\"b\"\" , c\",\"\"\"\"\r\nd,\"e\"");
  ASSERT_EQ(pairs.size(), 2u);
  EXPECT_EQ(pairs[0].source, (Words{"a", "\"b\"", ",", "c"}));
  EXPECT_EQ(pairs[0].target, Words{"\""});
  EXPECT_EQ(pairs[1].target, Words{"e"});
}

TEST(Csv, NormalisesToNfc) {
  const auto pairs =
      read("source,target\nhe\xcc\x81 \xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab,x\n");  // e + U+0301; ᄒ ᅡ ᆫ
  EXPECT_EQ(pairs[0].source, (Words{"h\xc3\xa9", "한"}));
}

TEST(Csv, SeparatesWordsAtAnyUnicodeSpace) {
  const auto pairs = read(
      "source,target\n  a\tb\xc2\xa0"
      "c\xe3\x80\x80"
      "d\xe2\x80\xaf"
      "e\xe2\x80\xa8"
      "f \xc2\x85g ,x\n");
  EXPECT_EQ(pairs[0].source, (Words{"a", "b", "c", "d", "e", "f", "g"}));
}

TEST(Csv, ReadsLongLines) {
  std::string sentence;
  for (int i = 0; i < 1'000'000; ++i) sentence += "abc ";
  const auto pairs = read("source,target\n" + sentence + ",x\n");
  EXPECT_EQ(pairs[0].source.size(), 1'000'000u);
}

// Lines of 64 bytes fill the reader's blocks of 16 MiB evenly, so that behind the end of the last block, which is not
// full, there is an old line end.
TEST(Csv, ReadsFilesLongerThanTheReadersBuffer) {
  const std::size_t count = 900'000;  // some 58 MB
  std::string text = "source,target," + std::string(49, 'x');
  for (std::size_t i = 0; i < count; ++i) {
    const std::string begin = "\na b," + std::to_string(i) + ",";
    text += begin + std::string(64 - begin.size(), 'y');
  }
  ASSERT_EQ(text.size(), 64 * (count + 1) - 1);
  const auto pairs = read(text);
  ASSERT_EQ(pairs.size(), count);
  EXPECT_EQ(pairs.back().target, Words{"899999"});
}

TEST(Csv, KnowsTheLineOfAZeroByteFarIntoAFile) {
  std::string bytes = "source,target\n";
  const std::string line = fmt::format("a{:1000}b,c\n", "");
  std::size_t lines = 1;
  for (; bytes.size() < (std::size_t{33} << 20U); ++lines) bytes += line;
  EXPECT_EQ(error(bytes + std::string("a,b\0c\n", 6)),
            fmt::format("data.csv:{}: a zero byte after 3 bytes of the line; is the file UTF-16? it must be UTF-8",
                        lines + 1));
  const TemporaryFolder folder;
  const std::string path = folder.file("data.csv", bytes + std::string("a,b\0c\n", 6));
  const PairsAndErrors read = read_pairs_and_errors(path);
  EXPECT_EQ(read.errors.size(), 1U);  // and it ends there
}

TEST(Csv, ReadsALastLineThatIsNotEndedAtTheEndOfABlock) {
  constexpr std::size_t two_blocks = std::size_t{32} << 20U;
  std::string bytes = "source,target\n";
  while (bytes.size() + 3000 < two_blocks) bytes += fmt::format("a{:1000}b,c\n", "");
  bytes += fmt::format("x{:{}}y,z", "", two_blocks - bytes.size() - 4);
  ASSERT_EQ(bytes.size(), two_blocks);
  EXPECT_EQ(read(bytes).back().source, (Words{"x", "y"}));
}

TEST(Csv, WritesWhatItReads) {
  const TemporaryFolder folder;
  const std::vector<Pair> pairs = {{{"나는", "\"갑니다\"", "."}, {"i", ",", "go", "\""}, {{0, 0, true}, {1, 2, false}}},
                                   {{"a"}, {"b"}, {}}};
  write_pairs(folder / "data.csv", pairs);
  EXPECT_EQ(read_file(folder / "data.csv"),
            "source,target,alignment\n\"나는 \"\"갑니다\"\" .\",\"i , go \"\"\",0-0 1?2\na,b,\n");
  const auto again = read_pairs(folder / "data.csv");
  ASSERT_EQ(again.size(), pairs.size());
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    EXPECT_EQ(again[i].source, pairs[i].source);
    EXPECT_EQ(again[i].target, pairs[i].target);
    EXPECT_EQ(again[i].links, pairs[i].links);
  }
}

TEST(Csv, LeavesTheColumnOfLinksOutWhenThereAreNone) {
  const TemporaryFolder folder;
  write_pairs(folder / "data.csv", {{{"a"}, {"b"}, {}}});
  EXPECT_EQ(read_file(folder / "data.csv"), "source,target\na,b\n");
}

TEST(Csv, RefusesToWriteWhatWouldNotReadBack) {
  const TemporaryFolder folder;
  const auto refused = [&](const Pair& pair) {
    const std::string message = message_of<std::invalid_argument>([&] {
      write_pairs(folder / "data.csv", {{{"a"}, {"b"}, {}}, pair});
    });
    EXPECT_EQ(folder.size(), 0);
    return message;
  };
  const std::string rule = ": it needs words, none empty or with a space, in NFC";
  EXPECT_EQ(refused({{}, {"x"}, {}}),
            "write_pairs: the source of pair 1, \"\", would not read back as its 0 words" + rule);
  EXPECT_EQ(refused({{"x"}, {"a b"}, {}}),
            "write_pairs: the target of pair 1, \"a b\", would not read back as its 1 word" + rule);
  EXPECT_EQ(refused({{"a\n"}, {"x"}, {}}),
            "write_pairs: the source of pair 1, \"a\n\", would not read back as its 1 word" + rule);
  EXPECT_EQ(refused({{"a", ""}, {"x"}, {}}),
            "write_pairs: the source of pair 1, \"a \", would not read back as its 2 words" + rule);
  EXPECT_EQ(refused({{"e\xcc\x81"}, {"x"}, {}}),
            "write_pairs: the source of pair 1, \"e\xcc\x81\", would not read back as its 1 word" + rule);
  EXPECT_EQ(refused({{"a"}, {"b"}, {{0, 1, true}}}),
            "write_pairs: pair 1: link 0-1 is outside its sentence: the target has 1 word, counted from 0");
  EXPECT_EQ(refused({{"a"}, {"b"}, {{0, 0, true}, {0, 0, false}}}),
            "write_pairs: pair 1: words 0 and 0 are linked twice");
}

TEST(CsvErrors, NameTheFileThatCannotBeRead) {
  const TemporaryFolder folder;
  EXPECT_EQ(message_of<std::runtime_error>([&] { read_pairs(folder / "none.csv"); }),
            (folder / "none.csv") + ": cannot open: No such file or directory");
  EXPECT_EQ(message_of<std::runtime_error>([&] { read_pairs(folder.path()); }),
            folder.path() + ": cannot read: Is a directory");
}

TEST(CsvErrors, NameWhatIsWrongWithTheHeader) {
  EXPECT_EQ(error(""), "data.csv:1: the file is empty; it should begin with a header: source,target");
  EXPECT_EQ(error("\n"), "data.csv:1: the header is empty; it should name the columns: source,target");
  EXPECT_EQ(error("\xef\xbb\xbf"), "data.csv:1: the header is empty; it should name the columns: source,target");
  EXPECT_EQ(error("source,translation\na,b\n"),
            "data.csv:1: no column \"target\"; the header names \"source\", \"translation\"");
  EXPECT_EQ(error("source;target\na;b\n"), "data.csv:1: no column \"source\"; the header names \"source;target\"");
  EXPECT_EQ(error("source,target,source\na,b,c\n"),
            "data.csv:1: column \"source\" occurs twice in the header, as column 1 and 3");
  EXPECT_EQ(error("source,\"target\n"),
            "data.csv:1: column 2, character 8: the quote is not closed on its line; a field cannot hold a line break");
  EXPECT_EQ(error("source,target\n"), "data.csv:1: nothing follows the header; there are no pairs to read");
}

TEST(CsvErrors, NameTheLineAndTheColumnOfABrokenQuote) {
  EXPECT_EQ(
      error("source,target\nok,ok\n가나,\"a\nb\"\n"),
      "data.csv:3: column \"target\", character 4: the quote is not closed on its line; a field cannot hold a line "
      "break");
  EXPECT_EQ(error("source,target\nok,say \"hi, you\"\n"),
            "data.csv:2: column \"target\", character 8: a quote inside a field that does not begin with one; write "
            "\"…\"\"…\" with the inner one doubled");
  EXPECT_EQ(error("source,target\n5\" wide,x\n"),
            "data.csv:2: column \"source\", character 2: a quote inside a field that does not begin with one; write "
            "\"…\"\"…\" with the inner one doubled");
  EXPECT_EQ(
      error("source,target\n\"a\" b,x\n"),
      "data.csv:2: column \"source\", character 3: text after the closing quote; a quote inside a quoted field is "
      "written twice");
  EXPECT_EQ(
      error("source,target\n\"a\"b\"c\",x\n"),
      "data.csv:2: column \"source\", character 3: text after the closing quote; a quote inside a quoted field is "
      "written twice");
  EXPECT_EQ(error("source,target\n\"a\rb\",x\n"),
            "data.csv:2: column \"source\", character 3: a carriage return inside a line; end lines with LF or CRLF");
}

TEST(CsvErrors, NameTheByteThatIsNotUtf8) {
  EXPECT_EQ(error("source,target\n한글 caf\xe9,x\n"),
            "data.csv:2: column \"source\", character 7: invalid UTF-8: byte 0xe9; save the file as UTF-8");
  EXPECT_EQ(error("id,source,target\n\xff,a,b\n"),
            "data.csv:2: column \"id\", character 1: invalid UTF-8: byte 0xff; save the file as UTF-8");
  EXPECT_EQ(error(std::string_view("source,target\na,b\0c\n", 20)),
            "data.csv:2: a zero byte after 3 bytes of the line; is the file UTF-16? it must be UTF-8");
}

TEST(CsvErrors, NameTheFieldThatIsMissingOrTooMany) {
  EXPECT_EQ(error("source,target\na,b\nc\n"),
            "data.csv:3: column \"target\", character 2: no such field: the line has 1 and the header 2");
  EXPECT_EQ(error("source,target\nwell, yes,oui\n"),
            "data.csv:2: column 3, character 11: the line has 3 fields and the header 2; a comma inside a field needs "
            "quotes around the field");
  EXPECT_EQ(error("source,target\na,b\n\nc,d\n"), "data.csv:3: the line is empty; take it out");
}

TEST(CsvErrors, CountTheFieldsOfALineOfCommasWithoutKeepingThem) {
  EXPECT_EQ(error("source,target\na,b" + std::string(100'000, ',') + "\n"),
            "data.csv:2: column 3, character 5: the line has 100002 fields and the header 2; a comma inside a field "
            "needs quotes around the field");
  std::string header = "source,target";
  for (int i = 2; i < 1000; ++i) (header += ',') += std::to_string(i);
  EXPECT_EQ(read(header + "\na,b" + std::string(998, ',') + "\n").size(), 1U);
  EXPECT_EQ(error(header + ",1000\n"),
            "data.csv:1: the header names more than 1000 columns; is this a CSV file with a header?");
}

TEST(CsvErrors, QuoteNoMoreOfTheFileThanPeopleRead) {
  const std::string large(1'000'000, 'x');
  for (const std::string& text :
       {large + ",target\na,b\n", "source,target," + large + "," + large + "\n",
        "source,target,alignment\na,b," + large + "\n", "source,target," + large + "\na,b,\xff\n"})
    EXPECT_LT(error(text).size(), 600U) << error(text);
}

TEST(CsvErrors, NameTheSentenceThatIsEmpty) {
  EXPECT_EQ(error("source,target\na,\n"), "data.csv:2: column \"target\", character 3: the sentence is empty");
  EXPECT_EQ(error("source,target\n\" \xc2\xa0\",a\n"),
            "data.csv:2: column \"source\", character 2: the sentence is empty");
}

TEST(CsvErrors, NameTheLinkThatIsWrong) {
  const auto link_error = [](const std::string& links) {
    return error("source,target,alignment\n가 나,a b c," + links + "\n");
  };
  EXPECT_EQ(link_error("0-0 2-1"),
            "data.csv:2: column \"alignment\", character 15: link 2-1 is outside its sentence: the source has 2 words, "
            "counted from 0");
  EXPECT_EQ(link_error("\"0?3\""),
            "data.csv:2: column \"alignment\", character 12: link 0?3 is outside its sentence: the target has 3 words, "
            "counted from 0");
  EXPECT_EQ(link_error("1-1 1?1"), "data.csv:2: column \"alignment\", character 15: words 1 and 1 are linked twice");
  for (const std::string bad :
       {"0:0", "0-", "-0", "0", "0--1", "0-0x", "+0-0", "99999999999-0", "0-99999999999", "٠-٠"}) {
    EXPECT_EQ(link_error("0-0 " + bad), "data.csv:2: column \"alignment\", character 15: \"" + bad +
                                            "\" is not a link; write 0-2 (sure) or 0?2 (possible), source word first");
  }
}

TEST(CsvErrors, RefuseALineThatNoBufferHolds) {
  EXPECT_EQ(error("source,target\n" + std::string(1 << 24, 'a') + ",b\n"),
            "data.csv:2: the line is longer than 16 MiB; is this a CSV file?");
}

}  // namespace
}  // namespace qkv
