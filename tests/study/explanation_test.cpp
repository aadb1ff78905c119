#include "qkv/study/explain/explanation.h"

#include <cmath>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <set>

#include "qkv/study/attention_view.h"
#include "qkv/study/explain/explanation_text.h"
#include "tests/study/small_models.h"

namespace qkv {
namespace {

class ExplanationOf : public testing::TestWithParam<std::pair<std::string, ModelConfig>> {};

const ExplainedStep& step_named(const std::vector<ExplainedStep>& steps, const std::string& name) {
  for (const ExplainedStep& step : steps)
    if (step.name == name) return step;
  throw std::out_of_range("no step " + name);
}

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

/// The address of another entry than the one that is spelt out: with as many indices, as far away.
std::string address_of(const ExplainedStep& step, int row, int column) {
  Address address = parse_address(step.cell->address);
  std::vector<int>& index = address.index;
  if (index.size() == 1) {
    index.front() += step.values.columns == 1 ? row - step.row : column - step.column;
  } else {
    index.back() += column - step.column;
    index[index.size() - 2] += row - step.row;
  }
  return to_text(address);
}

void expect_entries_have_addresses(Explainer& explainer, ExplainOptions options, const ExplainedStep& step) {
  ASSERT_TRUE(step.cell.has_value()) << step.name;
  EXPECT_TRUE(step.cell->address.starts_with(step.name + "[")) << step.cell->address;
  for (const int row : {0, step.values.rows - 1}) {
    const int column = step.values.columns - 1;
    const double value = step.values(row, column);
    if (std::isnan(value)) continue;  // the mask hides it
    options.of = address_of(step, row, column);
    const Formula found = *explainer.explain(options).of;
    const double size = step.checked ? step.checked->scale(row, column) : std::abs(value);
    EXPECT_NEAR(found.value, value, 1e-12 * size) << *options.of;
    EXPECT_EQ(found.exact.has_value(), step.checked.has_value()) << *options.of;
    EXPECT_TRUE(found.agrees || !step.checked) << *options.of;
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

TrainedModel small_transformer() { return small_model(small_models()[0].second); }

TEST(Explanation, AMissingSigmaIsNoRoundingError) {
  const TrainedModel trained = small_transformer();
  Explainer explainer(trained, small_pair(trained));
  const Explanation e = explainer.explain({.backward = true, .gradients = {.projections = false}});
  const ExplainedStep &weights = step_named(e.forward, "weights"), &dweights = step_named(e.backward, "d weights"),
                      &scaled = step_named(e.backward, "d scaled");
  for (std::size_t i = 0; i < weights.values.numbers.size(); ++i) {
    CheckedGradient wrong;
    wrong.compare(weights.values.numbers[i] * dweights.values.numbers[i], scaled.checked->exact.numbers[i],
                  scaled.checked->scale.numbers[i]);
    EXPECT_FALSE(wrong.agrees) << i;
  }
}

TEST(Explanation, WhatAMaskHidesIsNull) {
  const TrainedModel trained = small_transformer();
  Explainer explainer(trained, small_pair(trained));
  const Explanation e =
      explainer.explain({.kind = AttentionKind::causal, .backward = true, .gradients = {.projections = false}});
  const nlohmann::ordered_json json = to_json(e);
  std::set<std::string> masked;
  for (const char* part : {"forward", "backward"})
    for (const auto& step : json.at(part))
      if (step.at("values").at(0).size() == 4 && step.at("values").at(0).at(3).is_null())
        masked.insert(step.at("name"));
  EXPECT_EQ(masked, (std::set<std::string>{"masked", "d weights", "d scaled", "d scores"}));
  EXPECT_EQ(step_named(e.forward, "weights").values(0, 3), 0);
}

TEST(Explanation, SharpestHeadIsTheOneOfTheLowestEntropy) {
  const TrainedModel trained = small_transformer();
  Explainer explainer(trained, small_pair(trained));
  const Explanation e = explainer.explain({});
  EXPECT_TRUE(e.attention->is_sharpest);
  EXPECT_EQ(e.attention->layer, 1) << "the last layer";
  const auto entropy = [&](int head) {
    return mean_entropy(attention_head(explainer.pass(), AttentionKind::cross, 1, head).weights);
  };
  EXPECT_LT(entropy(e.attention->head), entropy(1 - e.attention->head));
}

/// Nothing reaches a word of the source but through the one context vector.
TEST(Explanation, AllOfTheGradientComesThroughTheFixedContext) {
  const TrainedModel trained = small_model(small_models().back().second);
  Explainer explainer(trained, small_pair(trained));
  const Explanation e = explainer.explain({.backward = true});
  EXPECT_FALSE(e.attention.has_value());
  const ExplainedStep &context = step_named(e.backward, "d context"), &states = step_named(e.backward, "d states"),
                      &reach = step_named(e.backward, "reach");
  for (int c = 0; c < context.values.columns; ++c)
    EXPECT_EQ(context.values(0, c), states.values(states.values.rows - 1, c)) << "the context is the last state";
  ASSERT_EQ(reach.values.rows, 5);
  for (const double norm : reach.values.numbers) EXPECT_GT(norm, 0);
  for (const ExplainedStep& step : e.forward) expect_entries_have_addresses(explainer, {}, step);
  for (const ExplainedStep& step : e.backward) expect_entries_have_addresses(explainer, {}, step);
}

/// Without the way back it is the tape's alone: no pass on dual numbers.
TEST(Explanation, ReachOfTheFixedContextNeedsNoWayBack) {
  const TrainedModel trained = small_model(small_models().back().second);
  Explainer explainer(trained, small_pair(trained));
  const Explanation e = explainer.explain({});
  ASSERT_EQ(e.backward.size(), 1U);
  const ExplainedStep& reach = e.backward.front();
  EXPECT_EQ(reach.name, "reach");
  EXPECT_FALSE(reach.checked.has_value());
  EXPECT_FALSE(e.learning.has_value());
  const std::string text = as_text(e);
  EXPECT_NE(text.find("\nBackwards, all of it with --backward: d NAME is ∂loss/∂NAME\n"), std::string::npos);
  EXPECT_NE(text.find("\nreach: how much of ∂loss reaches each source word"), std::string::npos);
  const nlohmann::ordered_json json = to_json(e);
  EXPECT_EQ(json.at("backward").at(0).at("name"), "reach");
  EXPECT_FALSE(json.contains("step"));
  EXPECT_EQ(explainer.exact().passes(), 0);
  const Explanation all = explainer.explain({.backward = true});
  EXPECT_EQ(step_named(all.backward, "reach").values.numbers, reach.values.numbers);
  EXPECT_EQ(explainer.explain({.of = "reach[1]"}).of->value, reach.values(1, 0));
}

TEST(Explanation, StatesGetTheirGradientAsKeysAndAsValues) {
  const TrainedModel trained = small_model(small_models()[2].second);
  Explainer explainer(trained, small_pair(trained));
  const Explanation e = explainer.explain({.backward = true});
  const NumberMatrix &keys = step_named(e.backward, "d states as keys").values,
                     &values = step_named(e.backward, "d states as values").values,
                     &all = step_named(e.backward, "d states").values;
  for (std::size_t i = 0; i < all.numbers.size(); ++i)
    EXPECT_NEAR(all.numbers[i], keys.numbers[i] + values.numbers[i], 1e-13);
}

/// The output projection reads all heads: each head has its columns of the weight, and the bias is everybody's.
TEST(Explanation, OutputProjectionHasItsGradients) {
  const TrainedModel trained = small_transformer();
  Explainer explainer(trained, small_pair(trained));
  const std::string layer = "decoder.layers.1.cross_attention.output.";
  const Node<double>*weight = explainer.pass().parameter(layer + "weight"),
        *bias = explainer.pass().parameter(layer + "bias");
  for (const int head : {0, 1}) {
    const Explanation e = explainer.explain({.head = head, .word = 2, .backward = true});
    const ExplainedStep &d_weight = step_named(e.backward, "d output.weight"),
                        &d_bias = step_named(e.backward, "d output.bias"), &output = step_named(e.forward, "output"),
                        &d_projected = step_named(e.backward, "d projected");
    EXPECT_EQ(d_weight.first_column, 4 * head);
    ASSERT_EQ(d_weight.values.rows, 8);
    ASSERT_EQ(d_weight.values.columns, 4);
    for (int r = 0; r < 8; ++r) {
      EXPECT_NEAR(d_bias.values(0, r), bias->gradient[r], 1e-14);
      for (int c = 0; c < 4; ++c) {
        EXPECT_NEAR(d_weight.values(r, c), weight->gradient[8 * r + 4 * head + c], 1e-14);
        double sum = 0;
        for (int i = 0; i < output.values.rows; ++i) sum += d_projected.values(i, r) * output.values(i, c);
        EXPECT_NEAR(d_weight.values(r, c), sum, 1e-14);
      }
    }
    const std::string text = as_text(e, 100);
    EXPECT_NE(text.find(fmt::format("\nd output.weight: the output projection's weight, this head's columns {} to {}",
                                    4 * head, 4 * head + 3)),
              std::string::npos);
    EXPECT_NE(text.find(fmt::format("\n  d output.weight[0,{}] = ", 4 * head)), std::string::npos);
    EXPECT_NE(text.find("\nd output.bias: the output projection's bias, which belongs to no head alone\n"),
              std::string::npos);
    const nlohmann::ordered_json json = to_json(e);
    for (const auto& step : json.at("backward"))
      if (step.at("name") == "d output.weight") {
        EXPECT_EQ(step.value("first_column", 0), 4 * head);
      }
  }
  const Explanation without = explainer.explain({.backward = true, .gradients = {.projections = false}});
  EXPECT_THROW(step_named(without.backward, "d output.weight"), std::out_of_range);
}

TEST(Explanation, ErrorsSayWhatThereIs) {
  const TrainedModel trained = small_transformer();
  Explainer explainer(trained, small_pair(trained));
  const auto message = [&](const ExplainOptions& options) -> std::string {
    try {
      explainer.explain(options);
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(message({.layer = 2}), "layer 2 does not exist; this model's layers are 0 to 1");
  EXPECT_EQ(message({.head = 7}), "head 7 does not exist; this model's heads are 0 to 1");
  EXPECT_EQ(message({.word = 4}), "word 4 does not exist; the words that ask in this attention are 0 to 3");
  EXPECT_THROW(pair_with_own_translation(trained, {}), std::invalid_argument);
  EXPECT_THROW(pair_with_translation(trained, read_source("a", trained.source), {}), std::invalid_argument);
}

}  // namespace
}  // namespace qkv
