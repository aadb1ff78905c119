#include <cmath>
#include <nlohmann/json.hpp>

#include "tests/cli/program.h"

namespace qkv {
namespace {

constexpr const char* sentence = "저는 새 책을 봅니다 .";

struct ExplainOf : testing::Test {
  Program qkv;

  /// `qkv explain` of one of the documents' models, with these options.
  Outcome of(const std::string& address, const std::string& model = "transformer", Arguments options = {}) const {
    Arguments arguments{"explain", QKV_SOURCE_DIR "/docs/checkpoint/" + model, sentence, "--of", address};
    arguments.insert(arguments.end(), options.begin(), options.end());
    return qkv(arguments);
  }

  nlohmann::json formula(const std::string& address, const std::string& model = "transformer") const {
    const Outcome outcome = of(address, model, {"--json"});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.errors;
    return outcome.exit_code == 0 ? nlohmann::json::parse(outcome.output)["of"] : nlohmann::json();
  }
};

TEST_F(ExplainOf, ANumberIsTheSumThatMadeIt) {
  const Outcome outcome = of("queries[2,1]", "transformer", {"--head", "1"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
  EXPECT_TRUE(contains(outcome.output, "\nqueries[2,1] = "));
  EXPECT_TRUE(contains(outcome.output, "\n  = Σ over k of x[2,k] · query.weight[9,k] + query.bias[9]\n"));
  EXPECT_TRUE(contains(outcome.output, "\n  and 5 smaller ones, "));
  EXPECT_TRUE(contains(outcome.output, "\ngo on with\n  qkv explain "));
  EXPECT_TRUE(contains(outcome.output, " --head 1 --of 'x[2,"));
  for (std::size_t begin = 0, end = 0; (end = outcome.output.find('\n', begin)) != std::string::npos; begin = end + 1)
    if (outcome.output.compare(begin, 14, "  qkv explain ") != 0) {
      EXPECT_LE(end - begin, 110U) << outcome.output.substr(begin, end - begin);
    }
}

TEST_F(ExplainOf, JsonHoldsTheFormulaAndNoSteps) {
  // Of a wrong translation: what is right and sure has gradients that are mostly rounding.
  const Outcome outcome = of("d scores[4,2]", "transformer", {"--json", "--target", "I see a new house ."});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
  const auto json = nlohmann::json::parse(outcome.output);
  EXPECT_FALSE(json.contains("forward"));
  EXPECT_EQ(json["model"], "transformer");
  EXPECT_EQ(json["attention"]["kind"], "cross");
  const auto& of = json["of"];
  EXPECT_EQ(of["address"], "d scores[4,2]");
  EXPECT_EQ(of["operation"], "sum");
  EXPECT_EQ(of["expression"], "scale · d scaled[4,2]");
  EXPECT_EQ(of["terms"][0]["factors"][0]["address"], nullptr);
  EXPECT_EQ(of["terms"][0]["factors"][1]["address"], "d scaled[4,2]");
  EXPECT_EQ(of["agrees"], true);
  EXPECT_NEAR(of["exact"], of["value"], 1e-9 * std::abs(of["value"].get<double>()));
  EXPECT_FALSE(formula("scores[2,3]").contains("exact")) << "only gradients are compared";
}

/// Each term's address is an address to go on with, whichever model it is, until nothing leads on.
TEST_F(ExplainOf, OneAddressLeadsToTheNext) {
  for (const std::string model : {"transformer", "rnn-attention", "rnn"}) {
    std::string address = "loss";
    double value = NAN;
    for (int step = 0; !address.empty(); ++step) {
      ASSERT_LT(step, 40) << model;
      const auto found = formula(address, model);
      ASSERT_TRUE(found.is_object()) << model << " " << address;
      EXPECT_TRUE(std::isnan(value) || found["value"] == value) << address;
      address.clear();
      for (const auto& term : found["terms"])
        for (const auto& factor : term["factors"])
          if (factor["address"].is_string()) {
            address = factor["address"];
            value = factor["value"];
          }
      EXPECT_TRUE(!address.empty() || found["note"] == "a parameter, which training set") << found;
    }
  }
}

TEST_F(ExplainOf, AnAddressThatDoesNotExistIsWrongUsageAndTheNearestIsNamed) {
  const auto error = [&](const std::string& address) {
    const Outcome outcome = of(address);
    EXPECT_EQ(outcome.exit_code, 2) << address;
    EXPECT_EQ(outcome.output, "");
    return outcome.errors;
  };
  EXPECT_TRUE(contains(error("wieghts[2,9]"), "no value \"wieghts\" in this pass; the nearest is weights[2,5]"));
  EXPECT_TRUE(
      contains(error("weights[2,9]"), "the indices of weights are [0 … 6, 0 … 5]; the nearest is weights[2,5]"));
  EXPECT_TRUE(contains(error("weights[2"), "address \"weights[2\", character 10: the indices are not closed"));
  EXPECT_TRUE(contains(error(""), "a name is missing; an address is a name and indices; the nearest is x[0,0]"));
  EXPECT_TRUE(contains(error("weights[2;5]"), "; the nearest is weights[2,5]"));
  EXPECT_TRUE(contains(error("Weights[2,5]"), "no value \"Weights\" in this pass; the nearest is weights[2,5]"));
  EXPECT_TRUE(contains(error("\x1b[2J"), "\"\\u{1b}[2J\"")) << "nothing of it reaches the terminal as it is";
  EXPECT_TRUE(contains(error("\xff\xfe[0]"), "\\x{ff}\\x{fe}[0]"));
  EXPECT_EQ(of("loss", "transformer", {"--backward"}).exit_code, 2);
}

}  // namespace
}  // namespace qkv
