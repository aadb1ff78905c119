#include "qkv/study/explain/formula.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "qkv/study/explain/expression.h"

namespace qkv {
namespace {

Factor at(const std::string& address, double value) { return {address, address, value}; }

Formula scores() {
  Formula formula{.address = "scores[2,5]", .value = 1.5, .note = ""};
  for (int c = 0; c < 3; ++c)
    formula.terms.push_back(
        product({at(fmt::format("queries[2,{}]", c), c + 1), at(fmt::format("keys[5,{}]", c), 0.25)}));
  formula.expression = expression_of_sum(formula.terms);
  return formula;
}

TEST(AFormula, IsWrittenForATerminal) {
  EXPECT_EQ(as_text(scores()),
            "scores[2,5] = 1.5\n"
            "  = Σ over k of queries[2,k] · keys[5,k]\n"
            "  0.25 = 1 · 0.25  queries[2,0] · keys[5,0]\n"
            "   0.5 = 2 · 0.25  queries[2,1] · keys[5,1]\n"
            "  0.75 = 3 · 0.25  queries[2,2] · keys[5,2]\n");
}

TEST(AFormula, OnANarrowTerminalNamesItsFactorsBelow) {
  EXPECT_EQ(as_text(scores(), 40, 1),
            "scores[2,5] = 1.5\n"
            "  = Σ over k of queries[2,k] · keys[5,k]\n"
            "  0.75 = 3 · 0.25\n"
            "         queries[2,2]\n"
            "         · keys[5,2]\n"
            "  and 2 smaller ones, 0.75 together\n");
}

TEST(AFormula, SaysWhetherAGradientIsExact) {
  Formula formula{.address = "d loss", .value = 1, .note = "the beginning", .exact = 1, .agrees = true};
  EXPECT_EQ(as_text(formula), "d loss = 1\n  the beginning\n  1 by dual numbers: they agree\n");
  formula.agrees = false;
  EXPECT_EQ(as_text(formula), "d loss = 1\n  the beginning\n  1 by dual numbers: THEY DIFFER\n");
}

TEST(AFormula, GoesOnWithItsLargestTerm) {
  EXPECT_EQ(next_address(scores()), "queries[2,2]");
  EXPECT_EQ(next_address({.address = "x"}), "");
  Formula gradient;
  gradient.terms = {product({at("w[0]", 2), at("d w[0]", 3)}), product({{"", "scale", 100}})};
  EXPECT_EQ(next_address(gradient), "d w[0]");
}

TEST(AFormula, IsJson) {
  Formula formula{.address = "d y[0]", .value = -2, .expression = "−x[0]", .note = "n", .exact = -2, .agrees = true};
  formula.terms = {product({{"", "−1", -1}, at("x[0]", 2)})};
  EXPECT_EQ(to_json(formula).dump(),
            R"({"address":"d y[0]","value":-2.0,"expression":"−x[0]","note":"n","terms":[{"value":-2.0,"factors":)"
            R"([{"address":null,"name":"−1","value":-1.0},{"address":"x[0]","name":"x[0]","value":2.0}]}],)"
            R"("operation":"sum","exact":-2.0,"agrees":true})");
}

std::vector<Term> terms(const std::vector<std::vector<std::string>>& addresses) {
  std::vector<Term> result;
  for (const auto& term : addresses) {
    std::vector<Factor> factors;
    for (const std::string& address : term)
      factors.push_back(address == "−1" || address == "scale" ? Factor{"", address, 1} : at(address, 1));
    result.push_back(product(factors));
  }
  return result;
}

TEST(AnExpression, HasALetterForWhatDiffers) {
  EXPECT_EQ(expression_of_sum(terms({{"x[1]"}})), "x[1]");
  EXPECT_EQ(expression_of_sum(terms({{"a[0,3]", "b[3]"}, {"a[0,4]", "b[4]"}, {"c[0]"}})),
            "Σ over k of a[0,k] · b[k] + c[0]");
  EXPECT_EQ(expression_of_sum(terms({{"scale", "d s[0,1]"}})), "scale · d s[0,1]");
  EXPECT_EQ(expression_of_sum(terms({{"w[2]", "d w[2]"}, {"−1", "w[2]", "sigma[1]"}})),
            "w[2] · d w[2] − w[2] · sigma[1]");
  EXPECT_EQ(expression_of_sum(terms({{"a[0]", "b[0]"}, {"c[0]"}, {"a[1]", "b[1]"}, {"c[1]"}})),
            "Σ over k of a[k] · b[k] + Σ over k of c[k]");
  EXPECT_EQ(expression_of_sum({}), "");
}

TEST(AnExpression, HasOneForWhichStepOfARecurrentNetworkItIs) {
  EXPECT_EQ(expression_of_sum(terms({{"d cell.gru_gates[0,1]", "h[0,2]"},
                                     {"d cell.gru_gates#1[0,1]", "h[1,2]"},
                                     {"d cell.gru_gates#2[0,1]", "h[2,2]"}})),
            "Σ over k of d cell.gru_gates#k[0,1] · h[k,2]");
  EXPECT_EQ(expression_of_sum(terms({{"a#1[0]", "h[0,2]"}, {"a#2[0]", "h[1,2]"}})), "Σ over k of a#k[0] · h[k−1,2]");
  EXPECT_EQ(expression_of_sum(terms({{"a#1[0]", "h#3[0]"}, {"a#2[0]", "h#5[0]"}, {"a#3[0]", "h#7[0]"}})),
            "Σ over k of a#k[0] · h#2k+1[0]");
  EXPECT_EQ(expression_of_sum(terms({{"a[0]", "h[0]"}, {"a[1]", "h[1]"}, {"a[2]", "h[5]"}})),
            "Σ over pairs k, l of a[k] · h[l]");
}

}  // namespace
}  // namespace qkv
