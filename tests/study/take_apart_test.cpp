#include "qkv/study/explain/take_apart.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>

#include "tests/study/small_models.h"

namespace qkv {
namespace {

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

class TakeApartOf : public testing::TestWithParam<std::pair<std::string, ModelConfig>> {
 protected:
  TakeApartOf() : trained_(small_model(GetParam().second)), pass_(trained_, small_pair(trained_)) {}

  std::optional<ChosenHead> chosen() const {
    const auto layer = last_cross_attention(pass_);
    if (!layer) return std::nullopt;
    const bool has_heads = std::holds_alternative<TransformerConfig>(GetParam().second);
    return ChosenHead{*layer, has_heads ? 1 : 0};
  }

  /// Every claim that a formula makes about numbers.
  void expect_right(const TakeApart& apart, const Formula& formula) {
    SCOPED_TRACE(formula.address);
    double size = std::abs(formula.value);
    for (const Term& term : formula.terms) {
      size += std::abs(term.value);
      double product = 1;
      for (const Factor& factor : term.factors) {
        product *= factor.value;
        if (factor.address.empty()) continue;
        const Address address = parse_address(factor.address);
        EXPECT_EQ(to_text(address), factor.address);
        const auto [quantity, element] = apart.names().find(address);
        EXPECT_EQ(address.gradient ? apart.quantities().gradient(quantity, element)
                                   : apart.quantities().value(quantity, element),
                  factor.value)
            << factor.address;
      }
      if (formula.operation == Combined::sum) {
        EXPECT_NEAR(term.value, product, 1e-14 * std::abs(product));
      }
    }
    if (formula.terms.empty()) {
      EXPECT_FALSE(formula.note.empty());
    } else if (formula.operation == Combined::sum) {
      EXPECT_NEAR(sum_of(formula.terms), formula.value, 1e-12 * size);
    } else if (formula.operation == Combined::softmax) {
      EXPECT_NEAR(sum_of(formula.terms), 1, 1e-12);
      EXPECT_TRUE(std::any_of(formula.terms.begin(), formula.terms.end(),
                              [&](const Term& term) { return std::abs(term.value - formula.value) <= 1e-12; }));
    }
    if (!formula.terms.empty()) {
      EXPECT_FALSE(formula.expression.empty());
    }
    EXPECT_TRUE(formula.agrees || !formula.exact) << formula.value << " and exactly " << formula.exact.value_or(0);
  }

  TrainedModel trained_;
  SentencePass pass_;
};

INSTANTIATE_TEST_SUITE_P(Models, TakeApartOf, testing::ValuesIn(small_models()),
                         [](const auto& model) { return model.param.first; });

/// A few elements of every value there is, forwards and backwards.
TEST_P(TakeApartOf, EveryNumberIsWhatItsTermsMakeAndEveryGradientIsExact) {
  const TakeApart apart(pass_, chosen());
  ExactDerivatives exact(pass_);
  Random random(1);
  int values = 0, gradients = 0;
  for (const std::string& name : apart.names().names()) {
    const std::vector<int>& sizes = apart.names().sizes_of(name);
    for (int repeat = 0; repeat < 3; ++repeat) {
      Address address{false, name, {}};
      for (const int size : sizes) address.index.push_back(static_cast<int>(random.uniform() * size));
      const NamedValues::Place place = apart.names().find(address);
      const Formula formula = apart.formula(to_text(address), &exact);
      expect_right(apart, formula);
      EXPECT_EQ(formula.exact.has_value(), apart.has_exact_derivative(to_text(address))) << to_text(address);
      ++values;
      const Node<double>* node = apart.quantities()[place.quantity].node;
      if (node != nullptr && std::isfinite(formula.value)) {
        EXPECT_EQ(formula.value, node->value[place.element]);
      }
      if (!apart.quantities().has_gradient(place.quantity)) continue;
      address.gradient = true;
      const Formula gradient = apart.formula(to_text(address), &exact);
      expect_right(apart, gradient);
      ++gradients;
      EXPECT_TRUE(gradient.exact.has_value());
      if (node != nullptr && node->needs_gradient && apart.names().readers_of(name).empty()) {
        EXPECT_EQ(gradient.value, node->gradient[place.element]);
      }
    }
  }
  EXPECT_GT(values, 100);
  EXPECT_GT(gradients, 100);
}

/// No operation of these models needs the rule made of derivatives, which says less.
TEST_P(TakeApartOf, EveryOperationHasAFormulaOfItsOwn) {
  const TakeApart apart(pass_, chosen());
  for (int i = 0; i < apart.quantities().count(); ++i) {
    const Quantity& quantity = apart.quantities()[i];
    if (quantity.rule == nullptr) {
      EXPECT_TRUE(quantity.node->is_leaf) << quantity.name;
      continue;
    }
    EXPECT_FALSE(has(quantity.rule->note(), "∂")) << quantity.name;
  }
}

/// From the loss and from a gradient, one term after the other, to where nothing leads on.
TEST_P(TakeApartOf, EveryWalkEndsAtAParameterAConstantOrTheLoss) {
  const TakeApart apart(pass_, chosen());
  Random random(2);
  for (const std::string start : {"loss", "d source_embedding.weight[4,2]"})
    for (int walk = 0; walk < 20; ++walk) {
      std::string address = start;
      for (int step = 0;; ++step) {
        ASSERT_LT(step, 1000);
        const Formula formula = apart.formula(address);
        std::vector<std::string> next;
        for (const Term& term : formula.terms)
          for (const Factor& factor : term.factors)
            if (!factor.address.empty()) next.push_back(factor.address);
        if (next.empty()) {
          const std::string& end = formula.note;
          EXPECT_TRUE(has(end, "a parameter") || has(end, "a constant") || has(end, "begins") || has(end, "hides"))
              << address << " " << end;
          break;
        }
        address = next[static_cast<std::size_t>(random.uniform() * static_cast<double>(next.size()))];
      }
    }
}

}  // namespace
}  // namespace qkv
