#include "qkv/study/explain/row_formula.h"

#include <cmath>
#include <gtest/gtest.h>
#include <set>

#include "qkv/study/explain/explanation.h"
#include "tests/study/small_models.h"

namespace qkv {
namespace {

class RowFormulasOf : public testing::TestWithParam<std::pair<std::string, ModelConfig>> {
 protected:
  RowFormulasOf() : trained_(small_model(GetParam().second)), explainer_(trained_, small_pair(trained_)) {}

  TrainedModel trained_;
  Explainer explainer_;
};

INSTANTIATE_TEST_SUITE_P(Models, RowFormulasOf, testing::ValuesIn(small_models()),
                         [](const auto& model) { return model.param.first; });

/// The address in one of the columns.
std::string in_column(std::string address, int column) {
  for (const char* letter : {"[c", ",c"})
    if (const std::size_t at = address.find(letter); at != std::string::npos)
      return address.replace(at + 1, 1, std::to_string(column));
  return address;
}

TEST_P(RowFormulasOf, SayOfEachCellWhatItsOwnFormulaSays) {
  const Explanation explanation = explainer_.explain({.backward = true, .row_formulas = true});
  std::optional<ChosenHead> chosen;
  if (explanation.attention) chosen = {explanation.attention->name, explanation.attention->head};
  const TakeApart apart(explainer_.pass(), chosen);
  std::set<std::string> told;
  for (const auto* steps : {&explanation.forward, &explanation.backward})
    for (const ExplainedStep& step : *steps) {
      if (step.row_formulas.empty()) continue;
      told.insert(step.name);
      ASSERT_EQ(std::ssize(step.row_formulas), step.values.rows) << step.name;
      for (int i = 0; i < step.values.rows; ++i)
        for (int j = 0; j < step.values.columns; ++j) {
          const RowFormula& row = step.row_formulas[static_cast<std::size_t>(i)];
          const auto column = static_cast<std::size_t>(j);
          const Formula cell = apart.formula(address_in(step.name, i, j));
          ASSERT_EQ(row.products.size(), cell.terms.size()) << cell.address;
          EXPECT_EQ(row.operation, cell.operation);
          EXPECT_EQ(row.note, cell.note);
          if (row.operation != Combined::sum) {
            EXPECT_EQ(row.expressions.at(column), cell.expression);
          }
          for (std::size_t t = 0; t < cell.terms.size(); ++t)
            for (std::size_t f = 0; f < cell.terms[t].factors.size(); ++f) {
              const Factor& factor = cell.terms[t].factors[f];
              const RowFormula::Letter& letter = row.products[t].at(f);
              EXPECT_EQ(in_column(letter.address, j), factor.address);
              EXPECT_EQ(letter.values.at(column), factor.value) << cell.address;
            }
        }
    }
  const bool is_transformer = std::holds_alternative<TransformerConfig>(GetParam().second);
  EXPECT_EQ(told, (is_transformer ? std::set<std::string>{"embeddings", "positions", "x", "memory", "d projected"}
                   : explanation.attention ? std::set<std::string>{"states", "h"}
                                           : std::set<std::string>{"states", "context", "h"}));
}

TEST_P(RowFormulasOf, AreGivenToThoseWhoAskForThem) {
  for (const ExplainedStep& step : explainer_.explain({}).forward) EXPECT_TRUE(step.row_formulas.empty()) << step.name;
}

TEST(RowFormula, SinusoidsSayTheirAngle) {
  const TrainedModel trained = small_model(small_models()[0].second);
  Explainer explainer(trained, small_pair(trained));
  const Explanation positions = explainer.explain({.of = "positions[3,5]"});
  ASSERT_TRUE(positions.of);
  EXPECT_EQ(positions.of->expression, "cos(3 / 10000^(4/8))");
  EXPECT_NEAR(positions.of->value, std::cos(3 / std::pow(10000.0, 4.0 / 8)), 1e-15);
  EXPECT_TRUE(positions.of->terms.empty());
  const Explanation learned = [] {
    const TrainedModel other = small_model(small_models()[1].second);
    return Explainer(other, small_pair(other)).explain({.of = "positions[3,5]"});
  }();
  EXPECT_EQ(learned.of->note, "a parameter, which training set");
}

TEST(RowFormula, ARowWithoutOneFormulaForAllColumnsHasNone) {
  const TrainedModel trained = small_model(small_models()[0].second);
  Explainer explainer(trained, small_pair(trained));
  const Explanation causal = explainer.explain({.kind = AttentionKind::causal, .layer = 0, .head = 0});
  const TakeApart apart(explainer.pass(), ChosenHead{causal.attention->name, 0});
  const int words = static_cast<int>(causal.attention->rows.size());
  EXPECT_TRUE(row_formulas(apart, "weights", words, words).empty()) << "what is hidden is no share";
  EXPECT_EQ(row_formulas(apart, "scaled", words, words).size(), causal.attention->rows.size());
}

}  // namespace
}  // namespace qkv
