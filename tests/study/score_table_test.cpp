#include "qkv/study/score_table.h"

#include <gtest/gtest.h>
#include <sstream>

#include "qkv/datasets/text.h"

namespace qkv {
namespace {

Evaluation example() {
  Evaluation evaluation;
  evaluation.loss = 0.25;
  evaluation.token_accuracy = 0.9;
  evaluation.scores = {.sentences = 1000, .exact_match = 1, .bleu = 100, .chrf = 100};
  evaluation.by_length = {{2, 4, {.sentences = 400, .exact_match = 0.125, .bleu = 50, .chrf = 60}},
                          {11, 16, {.sentences = 600, .exact_match = 0, .bleu = 1.25, .chrf = 2}}};
  evaluation.translations.resize(1000);
  evaluation.cut = 3;
  evaluation.alignment = AlignmentScores{{{{0, 0, 0}, 0.5}, {{1, 3, 1}, 0.25}, {{1, 2, 0}, 0.375}}, 0.9, 0.7, 0.1};
  return evaluation;
}

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(ScoreTable, ShowsEveryLengthAndAllOfThem) {
  const std::string text = score_table("test", example(), {});
  EXPECT_TRUE(holds(text, "test: loss 0.2500 per token, perplexity 1.284, token accuracy 90.00 %\n")) << text;
  for (const char* part : {"2-4", "11-16", "all", " 12.5 % ", "  3 of 1000 translations were cut off"})
    EXPECT_TRUE(holds(text, part)) << part << "\n" << text;
  std::istringstream lines(text);
  std::size_t table_width = 0;
  for (std::string line; std::getline(lines, line);) {
    EXPECT_LE(columns(line), 80) << line;
    if (holds(line, "BLEU")) table_width = line.size();
    if (holds(line, " % ")) {
      EXPECT_EQ(line.find_last_of("0123456789") + 1, table_width) << "a column is out of line:\n" << text;
    }
  }
}

TEST(ScoreTable, ExactMatchIsDrawnAsBars) {
  const std::string text = score_table("test", example(), {}), plain = score_table("test", example(), {}, true);
  EXPECT_TRUE(holds(text, "   50.0   60.0  ███\n")) << text;
  EXPECT_TRUE(holds(text, "  100.0  100.0  ████████████████████████\n")) << text;
  EXPECT_TRUE(holds(text, "    1.2    2.0\n")) << text;
  EXPECT_TRUE(holds(plain, "   50.0   60.0  ###\n")) << plain;
}

TEST(ScoreTable, TheAlignmentErrorIsThatOfTheChosenReading) {
  const std::string chosen = score_table("test", example(), AlignmentReading{1, 2, 0});
  EXPECT_TRUE(holds(chosen, "0.375  layer 1, head 2, where a word is predicted (chosen in validation)")) << chosen;
  const std::string best = score_table("test", example(), {});
  EXPECT_TRUE(holds(best, "0.250  layer 1, head 3, where a word is read (the best of all here)")) << best;
  const std::string missing = score_table("test", example(), AlignmentReading{5, 0, 0});
  EXPECT_TRUE(holds(missing, "the best of all here")) << "a reading that this model has not is not claimed";
  Evaluation without = example();
  without.alignment.reset();
  EXPECT_FALSE(holds(score_table("test", without, {}), "alignment"));
}

}  // namespace
}  // namespace qkv
