// One head of a Transformer, explained: what is particular to it.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <set>

#include "qkv/study/explain/explanation_text.h"
#include "tests/study/explained_steps.h"
#include "tests/study/small_models.h"

namespace qkv {
namespace {

TEST(ExplainedHead, AMissingSigmaIsNoRoundingError) {
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

TEST(ExplainedHead, WhatAMaskHidesIsNull) {
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

TEST(ExplainedHead, SharpestHeadIsTheOneOfTheLowestEntropy) {
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

/// The output projection reads all heads: each head has its columns of the weight, and the bias is everybody's.
TEST(ExplainedHead, OutputProjectionHasItsGradients) {
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

TEST(ExplainedHead, ErrorsSayWhatThereIs) {
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
