#include "qkv/study/explain/named_values.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "qkv/study/explain/take_apart.h"
#include "tests/study/small_models.h"

namespace qkv {
namespace {

class NamedValuesTest : public testing::Test {
 protected:
  std::string error(const std::string& address) const {
    try {
      apart_.formula(address);
    } catch (const std::invalid_argument& found) {
      return found.what();
    }
    return "no error";
  }

  TrainedModel trained_ = small_model(small_models()[0].second);
  SentencePass pass_{trained_, small_pair(trained_)};
  TakeApart apart_{pass_, ChosenHead{"decoder.layers.1.cross_attention", 1}};
};

TEST_F(NamedValuesTest, ANameThatIsNoneLeadsToTheNearest) {
  EXPECT_EQ(error("wieghts[2,9]"), "there is no value \"wieghts\" in this pass; the nearest is weights[2,4]");
  EXPECT_EQ(error("d weigts[0,1]"), "there is no value \"weigts\" in this pass; the nearest is d weights[0,1]");
  EXPECT_EQ(error("dweights[0,1]"), "there is no value \"dweights\" in this pass; the nearest is d weights[0,1]");
  EXPECT_EQ(error("norm3.weight[3]"),
            "there is no value \"norm3.weight\" in this pass; the nearest is decoder.layers.0.norm3.weight[3]");
  EXPECT_EQ(error("encoder.layers.0.norm9.weight[9]"),
            "there is no value \"encoder.layers.0.norm9.weight\" in this pass; the nearest is "
            "encoder.layers.0.norm1.weight[7]");
  // Capitals do not count, nor does the layer before the end of a name.
  EXPECT_EQ(error("WEIGHTS[2,3]"), "there is no value \"WEIGHTS\" in this pass; the nearest is weights[2,3]");
  EXPECT_EQ(error("D Scores[2,3]"), "there is no value \"D Scores\" in this pass; the nearest is d scores[2,3]");
  EXPECT_EQ(error("dsigma[2]"), "there is no value \"dsigma\" in this pass; the nearest is sigma[2]");
  EXPECT_EQ(error("query.weigth[0,0]"),
            "there is no value \"query.weigth\" in this pass; the nearest is query.weight[0,0]");
  EXPECT_EQ(error("norm3.weigth[3]"),
            "there is no value \"norm3.weigth\" in this pass; the nearest is decoder.layers.0.norm3.weight[3]");
  EXPECT_EQ(error("self_attention.query.weigth[1,2]"),
            "there is no value \"self_attention.query.weigth\" in this pass; the nearest is "
            "encoder.layers.0.self_attention.query.weight[1,2]");
  EXPECT_EQ(error("decoder.layers.0.cross_attention.query.weigth[0,0]"),
            "there is no value \"decoder.layers.0.cross_attention.query.weigth\" in this pass; the nearest is "
            "decoder.layers.0.cross_attention.query.weight[0,0]");
  EXPECT_TRUE(error(std::string(100000, 'q')).starts_with("there is no value \"qqqqqqq"));
  EXPECT_LT(error(std::string(100000, 'q')).size(), 300U);
}

TEST_F(NamedValuesTest, WhatIsNoAddressLeadsToTheNearest) {
  EXPECT_EQ(error("weights[2;3]"),
            "address \"weights[2;3]\", character 10: the indices are not closed by `]`; the nearest is weights[2,3]");
  EXPECT_EQ(error("weights[2,3"),
            "address \"weights[2,3\", character 12: the indices are not closed by `]`; the nearest is weights[2,3]");
  EXPECT_EQ(error("weights 2 3"), "there is no value \"weights 2 3\" in this pass; the nearest is weights[2,3]");
  EXPECT_EQ(error("d Weights[-1,99999999999]"),
            "address \"d Weights[-1,99999999999]\", character 11: an index is a number from 0 on; the nearest is "
            "d weights[0,4]");
  EXPECT_EQ(error(""),
            "address \"\", character 1: a name is missing; an address is a name and indices; the nearest is "
            "x[0,0]");
  EXPECT_LT(error(std::string(100000, '[')).size(), 300U);
}

TEST_F(NamedValuesTest, AnIndexOutsideLeadsToTheNearest) {
  EXPECT_EQ(error("weights[4,9]"),
            "weights[4,9] does not exist: the indices of weights are [0 … 3, 0 … 4]; the nearest is weights[3,4]");
  EXPECT_EQ(error("weights[2]"), "weights takes 2 indices, [0 … 3, 0 … 4], not 1; such as weights[2,0]");
  EXPECT_EQ(error("sigma[2,0]"), "sigma takes one index, [0 … 3], not 2; such as sigma[2]");
  EXPECT_EQ(error("loss[0]"), "loss takes no index: it is one number; such as loss");
  EXPECT_EQ(error("weights"), "weights takes 2 indices, [0 … 3, 0 … 4], not 0; such as weights[0,0]");
}

TEST_F(NamedValuesTest, WhatHasNoGradientSaysSo) {
  EXPECT_EQ(error("d sigma[2]"), "sigma[2] has no gradient: the loss is computed from nothing that reads it");
}

TEST_F(NamedValuesTest, AHeadHasItsPartOfTheFeatures) {
  const Formula formula = apart_.formula("d query.weight[5,3]");  // row 5 of 8: feature 1 of head 1
  EXPECT_EQ(formula.expression, "Σ over k of d queries[k,1] · x[k,3]");
  EXPECT_EQ(formula.terms.size(), 4U);
  EXPECT_EQ(apart_.formula("decoder.layers.1.cross_attention.query.linear[2,5]").value,
            apart_.formula("queries[2,1]").value);
  EXPECT_EQ(apart_.formula("scaled[1,2]").terms[0].factors[0].value, 0.5) << "1/√4";
}

/// Each head has the same names, and only its own numbers.
TEST_F(NamedValuesTest, AnotherHeadHasOtherNumbers) {
  const TakeApart other(pass_, ChosenHead{"decoder.layers.1.cross_attention", 0});
  EXPECT_NE(other.formula("weights[1,2]").value, apart_.formula("weights[1,2]").value);
  EXPECT_EQ(other.formula("decoder.layers.1.cross_attention.attention.weights[1,1,2]").value,
            apart_.formula("weights[1,2]").value);
}

TEST_F(NamedValuesTest, AMaskHidesKeys) {
  const TakeApart causal(pass_, ChosenHead{"decoder.layers.0.self_attention", 0});
  const Formula hidden = causal.formula("masked[1,2]");
  EXPECT_EQ(hidden.value, -INFINITY);
  EXPECT_EQ(hidden.note, "the mask hides this key from this query: it gets no weight");
  EXPECT_TRUE(to_json(hidden)["value"].dump() == "null");
  EXPECT_EQ(causal.formula("masked[2,1]").expression, "scaled[2,1]");
  EXPECT_EQ(causal.formula("masked[2,1]").value, causal.formula("scaled[2,1]").value);
  const Formula weight = causal.formula("weights[1,2]");
  EXPECT_EQ(weight.value, 0);
  EXPECT_EQ(weight.note, hidden.note);
  EXPECT_EQ(causal.formula("weights[1,0]").terms.size(), 2U);
  EXPECT_EQ(causal.formula("d scaled[1,2]").value, 0);
  EXPECT_EQ(error("masked[1,2]"), "there is no value \"masked\" in this pass; the nearest is values[1,2]")
      << "in cross-attention nothing is hidden";
}

/// Words that occur twice collect the gradients of both.
TEST_F(NamedValuesTest, AWordsEmbeddingCollectsWhereItOccurs) {
  const Formula twice = apart_.formula("d source_embedding.weight[4,2]");  // "a"
  EXPECT_EQ(twice.expression, "Σ over k of √d_model · d source_embedding.embedding[k,2]");
  const TakeApart encoder(pass_, ChosenHead{"encoder.layers.0.self_attention", 0});
  EXPECT_EQ(encoder.formula("d source_embedding.weight[4,2]").expression, "Σ over k of √d_model · d embeddings[k,2]");
  EXPECT_EQ(twice.terms.size(), 2U);
  const Formula never = apart_.formula("d source_embedding.weight[0,2]");  // <pad>
  EXPECT_EQ(never.value, 0);
  EXPECT_EQ(never.note, "nothing that was computed for this sentence reads it");
}

TEST(NamedValuesOfAnRnn, StepsAreRows) {
  const TrainedModel trained = small_model(small_models()[2].second);
  const SentencePass pass(trained, small_pair(trained));
  const TakeApart apart(pass, ChosenHead{"decoder", 0});
  EXPECT_EQ(apart.formula("scores[2,1]").expression, "Σ over k of h[2,k] · states[1,k]");
  EXPECT_EQ(apart.formula("output[2,1]").expression, "Σ over k of weights[2,k] · states[k,1]");
  EXPECT_EQ(apart.names().sizes_of("h"), (std::vector{4, 6}));
  const Formula weight = apart.formula("d decoder.combine.weight[1,2]");
  EXPECT_EQ(weight.expression, "Σ over k of d decoder.combine.linear_transposed#k[0,1] · decoder.concat#2k+1[0,2]");
}

/// What an attention reads in two ways, and what the recurrence reads too, are parts of one gradient.
TEST(NamedValuesOfAnRnn, ReadingsOfAStateShareItsGradient) {
  for (const int model : {2, 4}) {  // of a dot product, and of an additive score
    const TrainedModel trained = small_model(small_models()[static_cast<std::size_t>(model)].second);
    const SentencePass pass(trained, small_pair(trained));
    const TakeApart apart(pass, ChosenHead{"decoder", 0});
    ExactDerivatives exact(pass);
    for (const std::string at : {"[0,0]", "[2,3]", "[4,5]"}) {
      const Formula keys = apart.formula("d states as keys" + at, &exact),
                    values = apart.formula("d states as values" + at, &exact),
                    rest = apart.formula("d states through the recurrence" + at, &exact);
      EXPECT_TRUE(keys.agrees && values.agrees && rest.agrees) << model << at;
      const double all = apart.formula("d states" + at).value;
      EXPECT_NEAR(keys.value + values.value, all, 1e-13) << model << at;
      EXPECT_NE(rest.value, 0) << model << at;
      EXPECT_NE(keys.value, 0) << model << at;
      EXPECT_EQ(keys.note, "a part of its gradient: what else was computed from the number sends its own");
      EXPECT_EQ(apart.formula("states as keys" + at).value, apart.formula("states" + at).value);
    }
    const Formula queries = apart.formula("d h as queries[1,2]", &exact);
    EXPECT_TRUE(queries.agrees) << model;
    EXPECT_NE(queries.value, apart.formula("d h[1,2]").value);
  }
}

TEST(NamedValuesOfAFixedContext, HaveStatesAndContext) {
  const TrainedModel trained = small_model(small_models()[5].second);
  const SentencePass pass(trained, small_pair(trained));
  const TakeApart apart(pass, std::nullopt);
  EXPECT_EQ(apart.formula("context[0,3]").value, apart.formula("states[4,3]").value);
  EXPECT_EQ(apart.names().sizes_of("states"), (std::vector{5, 6}));
  EXPECT_EQ(apart.names().sizes_of("h"), (std::vector{4, 6}));
  const Formula reach = apart.formula("reach[2]");
  EXPECT_EQ(reach.expression, "√ Σ over k of (d embeddings[2,k])²");
  double squares = 0;
  for (int c = 0; c < 5; ++c) squares += std::pow(apart.formula("d " + address_in("embeddings", 2, c)).value, 2);
  EXPECT_NEAR(reach.value, std::sqrt(squares), 1e-15);
}

}  // namespace
}  // namespace qkv
