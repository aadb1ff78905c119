#include <algorithm>
#include <cmath>
#include <fmt/format.h>
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

/// The last entry of a step as --of finds it: in a head's part of a parameter rows and columns are those of the whole,
/// and steps of one column or one row have one index. The step's own cell shows how.
std::string address_of_last(const nlohmann::json& step) {
  const std::string cell = step["cell"]["address"], indices = cell.substr(cell.find('['));
  const auto row = step["values"].size() - 1 + step.value("first_row", 0U);
  const auto column = step["values"][0].size() - 1 + step.value("first_column", 0U);
  switch (std::count(indices.begin(), indices.end(), ',')) {
    case 0:
      return step["values"].size() == 1 ? cell : fmt::format("{}[{}]", std::string(step["name"]), row);
    case 1:
      return fmt::format("{}[{},{}]", std::string(step["name"]), row, column);
    default:  // hidden, of one query
      return fmt::format("{},{},{}]", cell.substr(0, cell.find(',')), row, column);
  }
}

using ExplainOfSlow = ExplainOf;

/// Whatever `qkv explain` prints, `--of` takes apart, with the same number.
TEST_F(ExplainOfSlow, EveryStepThatIsPrintedHasAddresses) {
  const std::vector<std::pair<std::string, Arguments>> attentions{{"transformer", {}},
                                                                  {"transformer", {"--attention", "encoder"}},
                                                                  {"transformer", {"--attention", "decoder"}},
                                                                  {"rnn-attention", {}},
                                                                  {"rnn", {}}};
  for (const auto& [model, attention] : attentions) {
    Arguments arguments{
        "explain", QKV_SOURCE_DIR "/docs/checkpoint/" + model, sentence, "--target", "I see a new house .", "--json"};
    arguments.insert(arguments.end(), attention.begin(), attention.end());
    Arguments backward = arguments;
    backward.emplace_back("--backward");
    const auto all = nlohmann::json::parse(qkv(backward).output);
    for (const char* part : {"forward", "backward"})
      for (const auto& step : all.at(part)) {
        const std::string address = address_of_last(step);
        Arguments one = arguments;
        one.insert(one.end(), {"--of", address});
        const Outcome outcome = qkv(one);
        ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
        const auto of = nlohmann::json::parse(outcome.output).at("of");
        EXPECT_EQ(of.at("address"), address);
        const double value = address == step["cell"]["address"] ? step["cell"]["value"] : step["values"].back().back();
        EXPECT_NEAR(of.at("value"), value, 1e-9 * std::abs(value) + 1e-14) << model << " " << address;
        if (part == std::string_view("backward")) {
          EXPECT_EQ(of.at("agrees"), true) << address;
        }
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
