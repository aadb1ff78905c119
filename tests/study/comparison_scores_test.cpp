#include "qkv/study/compare/comparison_scores.h"

#include <gtest/gtest.h>

namespace qkv {
namespace {

const std::vector<LengthBucket> buckets{{1, 2, true}, {3, 4, true}, {5, 6, false}};

/// A sentence of so many source words whose translation is right, or has its last word wrong.
SentenceScore sentence(std::size_t words, bool exact) {
  const Sentence reference{"a", "b", "c", "d", "e"};
  const Sentence translation = exact ? reference : Sentence{"a", "b", "c", "d", "x"};
  return {words, exact, bleu_counts(translation, reference), chrf_counts(translation, reference), exact ? 6 : 5, 6};
}

const ScoreRow& row_of(const std::vector<ScoreRow>& rows, const std::string& length) {
  for (const ScoreRow& row : rows)
    if (row.length == length) return row;
  throw std::runtime_error("no row " + length);
}

TEST(ComparisonScores, AreByLengthWithUnseenLengthsApart) {
  SetScores scores;
  for (int i = 0; i < 10; ++i) {
    scores.sentences.push_back(sentence(2, true));
    scores.sentences.push_back(sentence(3, i < 5));
    scores.sentences.push_back(sentence(5, false));
  }
  const std::vector<ScoreRow> rows = score_rows("test", {&scores}, buckets);
  ASSERT_EQ(rows.size(), 4U);
  EXPECT_EQ(row_of(rows, "1-2").exact_match.value, 1);
  EXPECT_EQ(row_of(rows, "3-4").exact_match.value, 0.5);
  EXPECT_NEAR(row_of(rows, "3-4").exact_match.low, wilson(0.5, 10).low, 1e-12);
  EXPECT_EQ(row_of(rows, "5-6").exact_match.value, 0);
  EXPECT_FALSE(row_of(rows, "5-6").seen);
  // "all" is of the lengths that training has.
  EXPECT_EQ(row_of(rows, "all").sentences, 20U);
  EXPECT_EQ(row_of(rows, "all").exact_match.value, 0.75);
  EXPECT_EQ(row_of(rows, "all").tokens, 120);
  EXPECT_NEAR(row_of(rows, "all").token_accuracy.value, 115.0 / 120, 1e-12);
  EXPECT_EQ(row_of(rows, "1-2").bleu.value, 100);
}

TEST(ComparisonScores, OfASetWithUnseenLengthsOnlyAllIsAllOfThem) {
  SetScores scores;
  for (int i = 0; i < 4; ++i) scores.sentences.push_back(sentence(6, true));
  const std::vector<ScoreRow> rows = score_rows("long", {&scores}, buckets);
  EXPECT_EQ(row_of(rows, "all").sentences, 4U);
  EXPECT_FALSE(row_of(rows, "all").seen);
}

TEST(ComparisonScores, AreTheCorpusScoresOfTheChosenSentences) {
  SetScores scores;
  std::vector<Sentence> translations, references;
  for (int i = 0; i < 30; ++i) {
    const Sentence reference{"a", "b", "c", std::string(1, static_cast<char>('d' + i % 7)), "e", "."};
    const Sentence translation{"a", "b", "c", std::string(1, static_cast<char>('d' + i % 5)), "e", "."};
    scores.sentences.push_back(
        {2, translation == reference, bleu_counts(translation, reference), chrf_counts(translation, reference), 7, 7});
    translations.push_back(translation);
    references.push_back(reference);
  }
  const ScoreRow row = row_of(score_rows("test", {&scores}, buckets), "all");
  EXPECT_NEAR(row.bleu.value, bleu(translations, references), 1e-9);
  EXPECT_NEAR(row.chrf.value, chrf(translations, references), 1e-9);
  EXPECT_LT(row.bleu.low, row.bleu.value);
  EXPECT_GT(row.bleu.high, row.bleu.value);
}

TEST(ComparisonScores, OverSeedsAreMeansWithTheirLeastAndMost) {
  SetScores good, bad;
  for (int i = 0; i < 10; ++i) {
    good.sentences.push_back(sentence(2, i < 9));
    bad.sentences.push_back(sentence(2, i < 3));
  }
  const ScoreRow row = row_of(score_rows("test", {&good, &bad}, buckets), "all");
  EXPECT_NEAR(row.exact_match.value, 0.6, 1e-12);
  EXPECT_NEAR(row.exact_match.least, 0.3, 1e-12);
  EXPECT_NEAR(row.exact_match.most, 0.9, 1e-12);
  // n is the number of sentences: to train again does not make the test set larger.
  EXPECT_EQ(row.sentences, 10U);
  EXPECT_NEAR(row.exact_match.low, wilson(0.6, 10).low, 1e-12);
}

TEST(ComparisonScores, OfATrainedModelAreThoseOfItsEvaluation) {
  const TrainedModel trained = load_run(QKV_SOURCE_DIR "/docs/checkpoint/rnn-attention");
  const Pair known{{"저는", "새", "집을", "봅니다", "."},
                   {"I", "see", "a", "new", "house", "."},
                   {{0, 0, true}, {3, 1, true}, {1, 3, true}, {2, 4, true}, {4, 5, true}}};
  const Pair other{{"저는", "집을", "봅니다", "."}, {"I", "see", "a", "house", "?"}, {}};
  Team team(1);
  const SetScores scores = score_set(trained, {"test", false, {known, other}}, team, never_stopped);
  const Evaluation evaluation = evaluate(*trained.model, trained.source, trained.target, {known, other}, team);
  ASSERT_EQ(scores.sentences.size(), 2U);
  double right = 0, tokens = 0, exact = 0;
  for (const SentenceScore& score : scores.sentences) {
    right += score.right_tokens;
    tokens += score.tokens;
    exact += score.exact ? 1 : 0;
  }
  EXPECT_EQ(tokens, 13);
  EXPECT_NEAR(right / tokens, evaluation.token_accuracy, 1e-12);
  EXPECT_NEAR(exact / 2, evaluation.scores.exact_match, 1e-12);
  ASSERT_TRUE(scores.alignment.has_value());
  EXPECT_EQ(scores.alignment->floor, evaluation.alignment->floor);
}

}  // namespace
}  // namespace qkv
