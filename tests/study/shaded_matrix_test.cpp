#include "qkv/study/shaded_matrix.h"

#include <gtest/gtest.h>
#include <limits>
#include <sstream>
#include <stdexcept>

#include "qkv/datasets/text.h"

namespace qkv {
namespace {

using Words = std::vector<std::string>;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

/// The terminal columns before the first occurrence of `what`; -1 if there is none.
int column_of(const std::string& line, const std::string& what) {
  const std::size_t byte = line.find(what);
  return byte == std::string::npos ? -1 : columns(line.substr(0, byte));
}

const Words korean{"민수는", "책을", "읽습니다"};
const Words english{"Minsu", "reads", "books"};
const std::vector<float> weights{0.97F, 0.0F, 0.03F, 0.05F, 0.2F, 0.75F, 0.3F, 0.6F, 0.1F};

TEST(ShadedMatrix, KoreanStandsAboveItsColumnAndEnglishBeforeItsRow) {
  EXPECT_EQ(shaded_matrix(english, korean, weights),
            "              읽\n"
            "      민      습\n"
            "      수  책  니\n"
            "      는  을  다\n"
            "Minsu ███  ·   ·\n"
            "reads ░░░ ░░░ ███\n"
            "books ▒▒▒ ▓▓▓ ░░░\n");
}

TEST(ShadedMatrix, DigitsGiveTheWeightsThemselves) {
  EXPECT_EQ(shaded_matrix(english, korean, weights, {.digits = true}),
            "                읽\n"
            "      민        습\n"
            "      수   책   니\n"
            "      는   을   다\n"
            "Minsu █.97  ·    .03\n"
            "reads ░.05 ░.20 █.75\n"
            "books ▒.30 ▓.60 ░.10\n");
}

TEST(ShadedMatrix, AWeightOfOneIsNotCutToItsFraction) {
  EXPECT_EQ(shaded_matrix({"a"}, {"b", "c"}, std::vector{1.0F, 0.996F}, {.digits = true}),
            "   b    c\n"
            "a █1.0 █1.0\n");
}

TEST(ShadedMatrix, KoreanRowsAreAsWideAsTheyLook) {
  const std::vector<std::string> lines = lines_of(shaded_matrix(korean, korean, weights));
  EXPECT_EQ(column_of(lines[4], "███"), 9);
  EXPECT_EQ(column_of(lines[5], "░░░"), 9);
  EXPECT_EQ(column_of(lines[6], "▒▒▒"), 9);
  EXPECT_EQ(column_of(lines[3], "는"), 9);
}

TEST(ShadedMatrix, DecomposedKoreanTakesNoMoreRoom) {
  const std::string decomposed = "\u1106\u1175\u11ab\u1109\u116e\u1102\u1173\u11ab";  // 민수는 in jamo
  const std::vector<std::string> lines = lines_of(shaded_matrix({"a"}, {decomposed}, std::vector{1.0F}));
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_EQ(compose(lines[0]), "  민");
}

TEST(ShadedMatrix, SixteenLongWordsAndTheEndFitIntoEightyColumns) {
  const Words source(17, "도서관에서"), target(17, "interesting");
  for (const bool digits : {false, true}) {
    const auto lines = lines_of(shaded_matrix(target, source, std::vector(17 * 17, 0.5F), {.digits = digits}));
    EXPECT_EQ(lines.size(), 5U + 17U) << "one part, not two";
    for (const std::string& line : lines) EXPECT_LE(columns(line), 80);
  }
}

TEST(ShadedMatrix, WhatIsTooWideGoesOnBelow) {
  const Words source(30, "책"), target{"book"};
  std::vector<float> row(30, 0.0F);
  row[29] = 1.0F;
  const auto lines = lines_of(shaded_matrix(target, source, row, {.width = 40}));
  ASSERT_EQ(lines.size(), 5U);  // labels and row, an empty line, labels and row
  EXPECT_EQ(lines[2], "");
  EXPECT_EQ(column_of(lines[1], "█"), -1);
  EXPECT_EQ(column_of(lines[4], "█"), 5 + (29 - 17) * 2);
  for (const std::string& line : lines) EXPECT_LE(columns(line), 40);
}

TEST(ShadedMatrix, OverlongLabelsAreShortened) {
  const std::string word(40, 'x');
  const auto lines = lines_of(shaded_matrix({word}, {word}, std::vector{1.0F}));
  EXPECT_EQ(lines.size(), 16U + 1U);
  EXPECT_TRUE(lines.back().starts_with(std::string(15, 'x') + "… █"));
}

TEST(ShadedMatrix, ColourOnlyWhenAskedFor) {
  EXPECT_EQ(shaded_matrix(english, korean, weights).find('\033'), std::string::npos);
  EXPECT_EQ(shaded_matrix_legend().find('\033'), std::string::npos);
  const auto lines = lines_of(shaded_matrix({"a"}, {"b", "c"}, std::vector{0.0F, 1.0F}, {.colour = true}));
  EXPECT_EQ(lines[1], "a \033[48;5;234;38;5;231m    \033[0m\033[48;5;220;38;5;16m    \033[0m");
}

TEST(ShadedMatrix, RefusesWeightsThatAreNone) {
  EXPECT_THROW(shaded_matrix(english, korean, std::vector(8, 0.0F)), std::invalid_argument);
  std::vector<float> wrong = weights;
  for (const float value : {-0.01F, 1.01F, std::numeric_limits<float>::quiet_NaN()}) {
    wrong[5] = value;
    try {
      shaded_matrix(english, korean, wrong);
      FAIL() << value;
    } catch (const std::invalid_argument& error) {
      EXPECT_NE(std::string(error.what()).find("row 1, column 2"), std::string::npos) << error.what();
    }
  }
  wrong[5] = 1.0001F;  // a sum of rounded numbers
  EXPECT_NO_THROW(shaded_matrix(english, korean, wrong));
  EXPECT_THROW(shaded_matrix(english, korean, weights, {.width = 7}), std::invalid_argument);
}

TEST(ShadedMatrix, LabelsShowCharactersThatSteerATerminal) {
  for (const bool colour : {false, true}) {
    const std::string drawn =
        shaded_matrix({"\033]0;x\a", "b"}, {"a\u009b", "\xff"}, std::vector<float>{1, 0, 0, 1}, {.colour = colour});
    EXPECT_NE(drawn.find("\\u{1b}]0;x\\u{7} "), std::string::npos) << drawn;
    EXPECT_EQ(drawn.find("\033]"), std::string::npos);
    EXPECT_EQ(drawn.find('\a'), std::string::npos);
    EXPECT_EQ(drawn.find("\u009b"), std::string::npos);
  }
  const std::vector<std::string> lines = lines_of(shaded_matrix({"\u200bb", "c"}, {"a"}, std::vector<float>{1, 1}, {}));
  EXPECT_EQ(column_of(lines[1], "█"), column_of(lines[2], "█")) << "widths are those of what is shown";
}

}  // namespace
}  // namespace qkv
