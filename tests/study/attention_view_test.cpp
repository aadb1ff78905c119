#include "qkv/study/attention_view.h"

#include <cmath>
#include <gtest/gtest.h>

namespace qkv {
namespace {

const std::string checkpoint = QKV_SOURCE_DIR "/docs/checkpoint";

struct AttentionViews : testing::Test {
  TrainedModel trained = load_run(checkpoint + "/transformer");
  Sentence source{"저는", "새", "집을", "봅니다", "."}, target{"I", "see", "a", "new", "house", "."};
};

TEST_F(AttentionViews, HaveALabelForEachRowAndColumnAndRowsThatSumToOne) {
  for (const AttentionKind kind : {AttentionKind::cross, AttentionKind::self, AttentionKind::causal})
    for (const AttentionView& view : attention_views(trained, source, target, kind)) {
      EXPECT_EQ(view.rows.size(), kind == AttentionKind::self ? 6U : 7U);
      EXPECT_EQ(view.columns.size(), kind == AttentionKind::causal ? 7U : 6U);
      ASSERT_EQ(view.weights.size(), view.rows.size() * view.columns.size());
      for (std::size_t row = 0; row < view.rows.size(); ++row) {
        float sum = 0;
        for (std::size_t i = 0; i < view.columns.size(); ++i) sum += view.weights[row * view.columns.size() + i];
        EXPECT_NEAR(sum, 1, 1e-5F);
      }
    }
}

TEST_F(AttentionViews, TheDecoderDoesNotLookAhead) {
  const AttentionView view = attention_view(trained, source, target, AttentionKind::causal, 0, 1);
  EXPECT_EQ(view.rows.front(), "<bos>");
  for (std::size_t row = 0; row < 7; ++row)
    for (std::size_t column = row + 1; column < 7; ++column) EXPECT_EQ(view.weights[row * 7 + column], 0);
}

TEST_F(AttentionViews, WithoutAHeadTheMeanIsShown) {
  const auto view = [&](std::optional<int> head) {
    return attention_view(trained, source, target, AttentionKind::self, 0, head);
  };
  const AttentionView mean = view({}), first = view(0), second = view(1);
  EXPECT_FALSE(mean.head.has_value());
  EXPECT_NE(first.weights, second.weights);
  for (std::size_t i = 0; i < mean.weights.size(); ++i)
    EXPECT_NEAR(mean.weights[i], (first.weights[i] + second.weights[i]) / 2, 1e-6F);
}

TEST_F(AttentionViews, TheSharpestIsTheHeadWithTheLowestMeanEntropy) {
  AttentionView even;
  even.rows = {"a", "b"};
  even.weights = {0.25F, 0.25F, 0.25F, 0.25F, 0, 1, 0, 0};
  EXPECT_NEAR(mean_entropy(even), std::log(4.0) / 2, 1e-7);
  for (const AttentionKind kind : {AttentionKind::cross, AttentionKind::self, AttentionKind::causal}) {
    const auto views = attention_views(trained, source, target, kind);
    const AttentionView sharpest = sharpest_view(trained, source, target, kind, {});
    const bool second = mean_entropy(views[1]) < mean_entropy(views[0]);
    EXPECT_EQ(sharpest.head, second ? 1 : 0);
    EXPECT_EQ(sharpest.weights, views[second ? 1 : 0].weights);
    EXPECT_NE(sharpest.title.find("the sharpest (mean entropy "), std::string::npos) << sharpest.title;
  }
  EXPECT_THROW(sharpest_view(trained, source, target, AttentionKind::cross, 1), std::invalid_argument);
}

TEST_F(AttentionViews, WhereAWordIsReadRowsAreOneStepLater) {
  trained.alignment = AlignmentReading{0, 1, 0};
  const AttentionView predicted = attention_view(trained, source, target, AttentionKind::cross, {}, {});
  trained.alignment = AlignmentReading{0, 1, 1};
  const AttentionView read = attention_view(trained, source, target, AttentionKind::cross, {}, {});
  EXPECT_EQ(predicted.rows.size(), 7U);
  EXPECT_EQ(read.rows, target);
  EXPECT_EQ(read.weights, std::vector<float>(predicted.weights.begin() + 6, predicted.weights.end()));
}

TEST_F(AttentionViews, OfATranslationThatWasCutHaveNoRowForItsEnd) {
  trained.alignment = AlignmentReading{0, 1, 0};
  using Choice = std::pair<std::optional<int>, std::optional<int>>;
  for (const auto& [layer, head] : {Choice{}, Choice{0, {}}, Choice{0, 1}}) {
    const AttentionView whole = attention_view(trained, source, target, AttentionKind::cross, layer, head);
    const AttentionView cut = attention_view(trained, source, target, AttentionKind::cross, layer, head, true);
    EXPECT_EQ(whole.rows.back(), "<eos>");
    EXPECT_EQ(cut.rows, target);
    EXPECT_EQ(cut.weights, std::vector<float>(whole.weights.begin(), whole.weights.end() - 6));
  }
  for (const AttentionView& view : attention_views(trained, source, target, AttentionKind::cross, true)) {
    EXPECT_EQ(view.rows, target);
    EXPECT_EQ(view.weights.size(), 6U * 6U);
  }
  trained.alignment = AlignmentReading{0, 1, 1};  // each row reads a word that was produced
  EXPECT_EQ(attention_view(trained, source, target, AttentionKind::cross, {}, {}, true).weights,
            attention_view(trained, source, target, AttentionKind::cross, {}, {}).weights);
  for (const AttentionKind kind : {AttentionKind::self, AttentionKind::causal})
    EXPECT_EQ(attention_view(trained, source, target, kind, {}, {}, true).rows.size(),
              kind == AttentionKind::self ? 6U : 7U);
}

TEST_F(AttentionViews, LinksAreFoundForTheWordsThatHaveGoldLinks) {
  const Pair pair{source, target, {{0, 0, true}, {2, 4, true}}};
  EXPECT_EQ(found_links(trained, pair), (std::vector<Link>{{0, 0, true}, {2, 4, true}}));
}

TEST_F(AttentionViews, WhatIsNotThereIsRefused) {
  const auto show = [&](AttentionKind kind, std::optional<int> layer, std::optional<int> head) {
    attention_view(trained, source, target, kind, layer, head);
  };
  EXPECT_THROW(show(AttentionKind::cross, 1, {}), std::invalid_argument);
  EXPECT_THROW(show(AttentionKind::cross, 0, 2), std::invalid_argument);
  EXPECT_THROW(show(AttentionKind::self, -1, {}), std::invalid_argument);
  trained.alignment = AlignmentReading{7, 0, 0};  // as in a file that was tampered with
  EXPECT_THROW(show(AttentionKind::cross, {}, {}), std::invalid_argument);
  trained.alignment.reset();
  EXPECT_THROW(found_links(trained, {source, target, {{0, 0, true}}}), std::invalid_argument);
  const TrainedModel rnn = load_run(checkpoint + "/rnn");
  EXPECT_THROW(attention_view(rnn, source, target, AttentionKind::cross, {}, {}), std::invalid_argument);
}

}  // namespace
}  // namespace qkv
