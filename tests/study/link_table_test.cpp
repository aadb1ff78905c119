#include "qkv/study/link_table.h"

#include <gtest/gtest.h>
#include <stdexcept>

namespace qkv {
namespace {

const Pair pair{{"민수는", "책을", "읽습니다", "."},
                {"Minsu", "reads", "the", "book", "."},
                {{0, 0, true}, {2, 1, true}, {1, 2, false}, {1, 3, true}, {3, 4, true}}};

TEST(LinkTable, MarksWhatIsRightWrongAndMissed) {
  EXPECT_EQ(link_table(pair, {{2, 1}, {0, 0}, {1, 2}, {2, 3}, {3, 4}}),
            "Minsu   reads     the    book    book      .\n"
            "민수는  읽습니다  책을   책을    읽습니다  .\n"
            "right   right     right  missed  wrong     right\n"
            "\n"
            "4 right, 1 wrong, 1 missed\n");
}

TEST(LinkTable, APossibleLinkMayBeLeftOut) {
  EXPECT_NE(link_table(pair, {{0, 0}, {2, 1}, {1, 3}, {3, 4}}).find("4 right, 0 wrong, 0 missed"), std::string::npos);
}

TEST(LinkTable, ShowsCharactersThatSteerATerminal) {
  const Pair steering{{"\033[2J책"}, {"bo\u200bok"}, {{0, 0, true}}};
  EXPECT_EQ(link_table(steering, {{0, 0}}),
            "bo\\u{200b}ok\n"
            "\\u{1b}[2J책\n"
            "right\n"
            "\n"
            "1 right, 0 wrong, 0 missed\n");
}

TEST(LinkTable, ALinkFoundTwiceCountsOnce) {
  EXPECT_NE(link_table(pair, {{0, 0}, {0, 0, false}}).find("1 right, 0 wrong, 3 missed"), std::string::npos);
}

TEST(LinkTable, GoesOnBelowWhenTheTerminalIsNarrow) {
  EXPECT_EQ(link_table(pair, {{0, 0}, {2, 1}}, {.width = 16}),
            "Minsu   reads\n"
            "민수는  읽습니다\n"
            "right   right\n"
            "\n"
            "book    .\n"
            "책을    .\n"
            "missed  missed\n"
            "\n"
            "2 right, 0 wrong, 2 missed\n");
}

TEST(LinkTable, ColourOnlyWhenAskedFor) {
  EXPECT_EQ(link_table(pair, {{0, 0}}).find('\033'), std::string::npos);
  const std::string table = link_table(pair, {{0, 0}, {0, 1}}, {.colour = true});
  EXPECT_NE(table.find("\033[32mright"), std::string::npos);
  EXPECT_NE(table.find("\033[31mwrong"), std::string::npos);
  EXPECT_NE(table.find("\033[33mmissed"), std::string::npos);
}

TEST(LinkTable, NoLinksAtAll) { EXPECT_EQ(link_table({{"a"}, {"b"}, {}}, {}), "0 right, 0 wrong, 0 missed\n"); }

TEST(LinkTable, RefusesLinksOutsideTheSentences) {
  EXPECT_THROW(link_table(pair, {{4, 0}}), std::invalid_argument);
  EXPECT_THROW(link_table(pair, {{0, 5}}), std::invalid_argument);
  EXPECT_THROW(link_table(pair, {{-1, 0}}), std::invalid_argument);
}

}  // namespace
}  // namespace qkv
