#include "qkv/study/explain/explanation.h"

#include <cmath>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "qkv/study/attention_view.h"
#include "qkv/study/explain/explanation_text.h"
#include "tests/study/explained_steps.h"
#include "tests/study/small_models.h"

namespace qkv {
namespace {

class ExplanationOf : public testing::TestWithParam<std::pair<std::string, ModelConfig>> {};

void expect_cell_is_in_its_matrix(const ExplainedStep& step) {
  if (!step.cell) return;
  const double value = step.values(step.row, step.column);
  EXPECT_NEAR(step.cell->value, value, 1e-12 * std::max(1.0, std::abs(value)))
      << step.name << " " << step.cell->address;
  if (step.cell->operation == Combined::sum && !step.cell->terms.empty()) {
    double sum = 0, size = 0;
    for (const Term& term : step.cell->terms) {
      sum += term.value;
      size += std::abs(term.value);
    }
    EXPECT_NEAR(sum, value, 1e-12 * std::max(size, 1e-300)) << step.cell->address;
  }
}

/// Every attention, layer and head of the model, backwards too.
TEST_P(ExplanationOf, EveryHeadAgreesWithDualNumbersAndTheTape) {
  const TrainedModel trained = small_model(GetParam().second);
  Explainer explainer(trained, small_pair(trained));
  int heads = 0;
  for (const AttentionKind kind : {AttentionKind::cross, AttentionKind::self, AttentionKind::causal})
    for (int layer = 0; layer < static_cast<int>(attention_layers(explainer.pass(), kind).size()); ++layer)
      for (int head = 0; head < attention_layers(explainer.pass(), kind).front().front()->heads; ++head, ++heads) {
        const Explanation e =
            explainer.explain({.kind = kind, .layer = layer, .head = head, .word = 1, .backward = true});
        const ExplainOptions chosen{.kind = kind, .layer = layer, .head = head};
        for (const ExplainedStep& step : e.forward) {
          expect_cell_is_in_its_matrix(step);
          expect_entries_have_addresses(explainer, chosen, step);
        }
        for (const ExplainedStep& step : e.backward) {
          expect_cell_is_in_its_matrix(step);
          expect_entries_have_addresses(explainer, chosen, step);
          ASSERT_TRUE(step.checked.has_value()) << step.name;
          EXPECT_TRUE(step.checked->agrees)
              << e.attention->name << " " << head << " " << step.name << " " << step.checked->largest_difference;
          if (step.cell) {
            ASSERT_TRUE(step.cell->exact.has_value()) << step.name;
            EXPECT_TRUE(step.cell->agrees);
          }
        }
        const AttentionView view = attention_view(trained, {"a", "b", "a", "c"}, {"x", "y", "x"}, kind, layer, head);
        const ExplainedStep& weights = step_named(e.forward, "weights");
        ASSERT_EQ(view.weights.size(), weights.values.numbers.size());
        EXPECT_EQ(view.rows, weights.rows);
        EXPECT_EQ(view.columns, weights.columns);
        for (std::size_t i = 0; i < view.weights.size(); ++i)
          EXPECT_NEAR(view.weights[i], weights.values.numbers[i], 1e-5);
        EXPECT_FALSE(as_text(e).empty());
      }
  const auto* transformer = std::get_if<TransformerConfig>(&GetParam().second);
  const CrossAttention cross = cross_attention(GetParam().second);
  EXPECT_EQ(heads, transformer != nullptr ? 12 : cross.layers);
}

/// The reference: a gradient of the pair by central differences of nothing but the loss would be inexact; the tape's
/// and the textbook's are compared here by one number that is easy to compute in another way: the sum over a row of
/// dscores is 0, because a constant added to all scores of a query changes nothing.
TEST_P(ExplanationOf, GradientsOfScoresOfARowSumToZero) {
  const TrainedModel trained = small_model(GetParam().second);
  if (cross_attention(GetParam().second).layers == 0) return;
  Explainer explainer(trained, small_pair(trained));
  const Explanation e = explainer.explain({.backward = true, .gradients = {.projections = false}});
  const ExplainedStep& scores = step_named(e.backward, "d scores");
  for (int i = 0; i < scores.values.rows; ++i) {
    double sum = 0, size = 0;
    for (int j = 0; j < scores.values.columns; ++j) {
      sum += scores.values(i, j);
      size += std::abs(scores.values(i, j));
    }
    EXPECT_NEAR(sum, 0, 1e-12 * size) << i;
    EXPECT_GT(size, 0);
  }
}

/// Ten times smaller steps are predicted a hundred times better: the prediction is the first order, and all of it.
TEST_P(ExplanationOf, LearningStepIsPredictedToFirstOrder) {
  const TrainedModel trained = small_model(GetParam().second);
  const auto error = [&](double rate) {
    Explainer explainer(trained, small_pair(trained));
    const ExplainedLearning learning =
        *explainer.explain({.rate = rate, .backward = true, .gradients = {.projections = false}}).learning;
    double largest = std::abs(learning.loss_after - learning.loss_predicted);
    for (std::size_t i = 0; i < learning.actual.numbers.size(); ++i)
      largest = std::max(largest, std::abs(learning.actual.numbers[i] - learning.predicted.numbers[i]));
    EXPECT_LT(learning.loss_after, learning.loss_before);
    EXPECT_EQ(learning.rate, rate);
    return largest;
  };
  const double coarse = error(1e-4), fine = error(1e-5);
  EXPECT_GT(coarse, 0);
  EXPECT_LT(fine, coarse / 50);
}

/// What is announced before the first pass is what it takes.
TEST_P(ExplanationOf, PassesAreCountedToTheLast) {
  const TrainedModel trained = small_model(GetParam().second);
  Explainer explainer(trained, small_pair(trained));
  std::int64_t last = 0, expected = 0;
  ExplainOptions options{.backward = true};
  options.on_pass = [&](std::int64_t done, std::int64_t all) {
    EXPECT_EQ(done, last + 1);
    EXPECT_TRUE(last == 0 || all == expected);
    last = done;
    expected = all;
  };
  const auto expect_counted = [&] {
    const std::int64_t before = explainer.exact().passes();
    last = 0;
    explainer.explain(options);
    EXPECT_EQ(last, expected);
    EXPECT_EQ(last, explainer.exact().passes() - before);
    EXPECT_GT(last, 5);
  };
  expect_counted();
  options.gradients.projections = false;  // and the learning step is known
  expect_counted();
  options.gradients = {.each_entry = false};
  expect_counted();
  if (std::holds_alternative<TransformerConfig>(GetParam().second))
    for (const AttentionKind kind : {AttentionKind::self, AttentionKind::causal}) {
      options.kind = kind;
      expect_counted();
    }
  last = 0;
  explainer.explain({.backward = true, .gradients = {.projections = false}});
  EXPECT_EQ(last, 0) << "nobody asked";
}

TEST_P(ExplanationOf, InPartTheGradientsAreTheSameAndTakeFewerPasses) {
  const TrainedModel trained = small_model(GetParam().second);
  Explainer explainer(trained, small_pair(trained));
  const Explanation whole = explainer.explain({.backward = true});
  const std::int64_t before = explainer.exact().passes();
  const Explanation in_part = explainer.explain({.backward = true, .gradients = {.each_entry = false}});
  const std::int64_t passes = explainer.exact().passes() - before;
  explainer.explain({.backward = true});
  EXPECT_LE(passes, explainer.exact().passes() - before - passes);
  ASSERT_EQ(in_part.backward.size(), whole.backward.size());
  int along_a_direction = 0;
  for (std::size_t s = 0; s < whole.backward.size(); ++s) {
    const ExplainedStep& step = in_part.backward[s];
    EXPECT_TRUE(step.values.numbers == whole.backward[s].values.numbers) << step.name;
    EXPECT_TRUE(step.checked->agrees) << step.name << ' ' << step.checked->largest_difference;
    EXPECT_LE(step.checked->largest_difference, 1e-13) << step.name;
    if (!step.checked->is_exact_everywhere()) ++along_a_direction;
  }
  EXPECT_EQ(along_a_direction >= 2, in_part.attention.has_value());
}

TEST_P(ExplanationOf, JsonHoldsEveryStep) {
  const TrainedModel trained = small_model(GetParam().second);
  Explainer explainer(trained, small_pair(trained));
  const Explanation e = explainer.explain({.backward = true});
  const nlohmann::ordered_json json = to_json(e);
  EXPECT_EQ(json.at("own_translation"), false);
  EXPECT_EQ(json.at("predicted"), (std::vector<std::string>{"x", "y", "x", "<eos>"}));
  EXPECT_EQ(json.at("attention").is_null(), cross_attention(GetParam().second).layers == 0);
  ASSERT_EQ(json.at("backward").size(), e.backward.size());
  for (std::size_t i = 0; i < e.backward.size(); ++i) {
    const auto& step = json.at("backward").at(i);
    EXPECT_EQ(step.at("name"), e.backward[i].name);
    EXPECT_EQ(step.at("agrees"), true);
    const auto& exact = step.at("exact");
    const NumberMatrix& shown = e.backward[i].checked->exact;
    EXPECT_EQ(exact.size(), static_cast<std::size_t>(shown.rows));
    EXPECT_EQ(exact.at(0).size(), static_cast<std::size_t>(shown.columns));
    for (int row = 0; row < shown.rows; ++row)  // beside the values of the same rows and columns
      for (int column = 0; column < shown.columns; ++column) {
        if (std::isnan(shown(row, column))) continue;
        EXPECT_NEAR(exact.at(static_cast<std::size_t>(row)).at(static_cast<std::size_t>(column)).get<double>(),
                    step.at("values").at(static_cast<std::size_t>(row)).at(static_cast<std::size_t>(column)),
                    1e-12 * e.backward[i].checked->scale(row, column))
            << step.at("name");
      }
    const bool is_everywhere = shown.rows == e.backward[i].values.rows && shown.columns == e.backward[i].values.columns;
    EXPECT_EQ(step.contains("shown"), !is_everywhere) << step.at("name");
    EXPECT_EQ(step.at("check") == "entry by entry", is_everywhere) << step.at("name");
    if (!is_everywhere) {
      EXPECT_EQ(step.at("shown"), nlohmann::ordered_json({shown.rows, shown.columns}));
    }
    EXPECT_EQ(step.at("values").size(), static_cast<std::size_t>(e.backward[i].values.rows));
  }
  EXPECT_EQ(json.at("step").at("weights").is_null(), !e.attention.has_value());
}

INSTANTIATE_TEST_SUITE_P(SmallModels, ExplanationOf, testing::ValuesIn(small_models()),
                         [](const auto& instance) { return instance.param.first; });

}  // namespace
}  // namespace qkv
