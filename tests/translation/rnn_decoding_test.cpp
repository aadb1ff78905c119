#include <gtest/gtest.h>

#include "qkv/translation/rnn_seq2seq.h"
#include "tests/translation/decoding_steps.h"

namespace qkv {
namespace {

/// A cell, and how the decoder attends to the encoder's states, if it does.
struct Kind {
  const char* name;
  CellKind cell;
  std::optional<Score> score;
};

struct RnnDecoding : testing::TestWithParam<Kind> {
  RnnDecoding() : model(config()) { randomise(model.parameters(), 1); }

  static RnnConfig config() {
    const Kind& kind = GetParam();
    return {.source_vocabulary = 11,
            .target_vocabulary = 13,
            .embedding = 6,
            .hidden = 8,
            .cell = kind.cell,
            .attention = kind.score};
  }

  RnnSeq2Seq<double> model;
};

TEST_P(RnnDecoding, StepByStepGivesTheRowsOfOnePass) { expect_each_step_to_be_a_row_of_one_pass(model); }

TEST_P(RnnDecoding, SelectDropsReordersAndRepeatsSentences) { expect_select_to_drop_reorder_and_repeat(model); }

TEST_P(RnnDecoding, EveryWordCostsTheSame) {
  const std::vector<std::int64_t> costs = costs_of_words(model, 12);
  EXPECT_GT(costs[0], 0);
  EXPECT_EQ(costs, std::vector<std::int64_t>(12, costs[0]));
}

INSTANTIATE_TEST_SUITE_P(All, RnnDecoding,
                         testing::Values(Kind{"Gru", CellKind::gru, {}}, Kind{"GruDot", CellKind::gru, Score::dot},
                                         Kind{"GruScaledDot", CellKind::gru, Score::scaled_dot},
                                         Kind{"GruAdditive", CellKind::gru, Score::additive},
                                         Kind{"Lstm", CellKind::lstm, {}}, Kind{"LstmDot", CellKind::lstm, Score::dot},
                                         Kind{"LstmScaledDot", CellKind::lstm, Score::scaled_dot},
                                         Kind{"LstmAdditive", CellKind::lstm, Score::additive},
                                         Kind{"Elman", CellKind::elman, {}},
                                         Kind{"ElmanDot", CellKind::elman, Score::dot},
                                         Kind{"ElmanScaledDot", CellKind::elman, Score::scaled_dot},
                                         Kind{"ElmanAdditive", CellKind::elman, Score::additive}),
                         [](const auto& parameter) { return parameter.param.name; });

}  // namespace
}  // namespace qkv
