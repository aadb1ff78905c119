// Recurrent models, explained: hidden states, and the one context vector.
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "qkv/study/explain/explanation_text.h"
#include "tests/study/explained_steps.h"
#include "tests/study/small_models.h"

namespace qkv {
namespace {

/// Nothing reaches a word of the source but through the one context vector.
TEST(ExplainedStates, AllOfTheGradientComesThroughTheFixedContext) {
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
TEST(ExplainedStates, ReachOfTheFixedContextNeedsNoWayBack) {
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

TEST(ExplainedStates, StatesGetTheirGradientAsKeysAndAsValues) {
  const TrainedModel trained = small_model(small_models()[2].second);
  Explainer explainer(trained, small_pair(trained));
  const Explanation e = explainer.explain({.backward = true});
  const NumberMatrix &keys = step_named(e.backward, "d states as keys").values,
                     &values = step_named(e.backward, "d states as values").values,
                     &all = step_named(e.backward, "d states").values;
  for (std::size_t i = 0; i < all.numbers.size(); ++i)
    EXPECT_NEAR(all.numbers[i], keys.numbers[i] + values.numbers[i], 1e-13);
}

}  // namespace
}  // namespace qkv
