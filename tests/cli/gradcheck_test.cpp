#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "qkv/datasets/text.h"
#include "qkv/study/gradchecks.h"
#include "tests/cli/program.h"

namespace qkv {
namespace {

struct GradcheckCommand : testing::Test {
  Program qkv;
};

TEST_F(GradcheckCommand, ChecksEverythingAndCounts) {
  const Outcome outcome = qkv({"gradcheck"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.output;
  EXPECT_EQ(outcome.errors, "");
  std::istringstream lines(outcome.output);
  std::string head;
  std::getline(lines, head);
  EXPECT_TRUE(matches(head, "name +kind +inputs +Jacobian +error"));
  for (const NamedGradcheck& check : gradchecks()) {
    std::string line;
    std::getline(lines, line);
    EXPECT_TRUE(starts_with(line, check.name));
    EXPECT_TRUE(contains(line, check.kind));
    EXPECT_TRUE(ends_with(line, "  ok"));
  }
  const std::string all = std::to_string(gradchecks().size());
  EXPECT_TRUE(contains(outcome.output, "\n" + all + " of " + all + " gradients are right"));
  EXPECT_TRUE(
      ends_with(outcome.output,
                " parameters, such as layer.key.bias, have no gradient, because a key's bias adds the same to all "
                "scores of a query, and softmax takes that out.\n"))
      << "said once";
}

TEST_F(GradcheckCommand, ANameStandsForAllUsesOfAnOperation) {
  const Outcome outcome = qkv({"gradcheck", "attention", "--json"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
  std::set<std::string> names;
  for (const auto& row : nlohmann::json::parse(outcome.output)) names.insert(row["name"]);
  EXPECT_TRUE(names.contains("attention"));
  EXPECT_TRUE(names.contains("attention causal"));
  for (const std::string& name : names) EXPECT_TRUE(matches(name, "attention( .*)?"));
  EXPECT_EQ(nlohmann::json::parse(qkv({"gradcheck", "attention causal padding", "--json"}).output).size(), 1U);
  EXPECT_EQ(qkv({"gradcheck", "linear"}).output.find("linear_relu"), std::string::npos) << "another operation";
}

TEST_F(GradcheckCommand, JsonHoldsWhatTheTableShows) {
  const auto rows =
      nlohmann::json::parse(qkv({"gradcheck", "softmax causal padding", "sum features", "--json"}).output);
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[1]["name"], "sum features");
  EXPECT_EQ(rows[1]["kind"], "operation");
  EXPECT_EQ(rows[1]["inputs"], 24);
  EXPECT_EQ(rows[1]["jacobian_entries"], 144);
  EXPECT_LE(rows[1]["error"], 1e-12);
  EXPECT_EQ(rows[1]["passed"], true);
}

TEST_F(GradcheckCommand, TheSeedDecidesTheNumbers) {
  const auto json_of = [&](const char* seed) { return qkv({"gradcheck", "linear", "--json", "--seed", seed}).output; };
  EXPECT_EQ(json_of("1"), json_of("1"));
  EXPECT_NE(json_of("1"), json_of("2"));
}

TEST_F(GradcheckCommand, AnUnknownNameIsWrongUsage) {
  const Outcome outcome = qkv({"gradcheck", "sum", "layer_nrom"});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_EQ(outcome.output, "");
  EXPECT_TRUE(contains(outcome.errors, "no gradient check \"layer_nrom\"; the nearest is \"layer_norm\""));
  EXPECT_TRUE(
      contains(qkv({"gradcheck", "multihead"}).errors, "no gradient check \"multihead\"; qkv gradcheck lists all"))
      << "\"multiply\" is not near";
}

/// The models of the documents, which the tests of every machine have.
std::string documents_model(const std::string& name) { return QKV_SOURCE_DIR "/docs/checkpoint/" + name; }

TEST_F(GradcheckCommand, ATrainedModelIsCheckedAtItsOwnParameters) {
  for (const std::string name : {"transformer", "rnn", "rnn-attention"}) {
    const Outcome outcome = qkv({"gradcheck", "--run", documents_model(name), "유나는 작은 책을 안 그립니다."});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.output << outcome.errors;
    EXPECT_TRUE(
        matches(outcome.output,
                ".* on \"유나는 작은 책을 안 그립니다 \\.\"\noperations  ok     [0-9]+ checked one by one, exact to "
                "[0-9.]+e-1[4-9]\ncausality   ok     .*\npadding     ok     .*\nparameters  ok     [0-9]+ of [0-9]+ "
                "tensors have a gradient\n(    note: zero by mathematics, because a key's bias .*\n(    .*\n)*)?"));
    EXPECT_EQ(contains(outcome.output, "key.bias"), name == "transformer") << outcome.output;
    std::istringstream lines(outcome.output);
    std::string line;
    std::getline(lines, line);  // the folder and the sentence, as long as they were typed
    while (std::getline(lines, line)) EXPECT_LE(columns(line), 80) << line;
  }
  const auto rows = nlohmann::json::parse(qkv({"gradcheck", "--run", documents_model("transformer"), "--json"}).output);
  ASSERT_EQ(rows.size(), 4U);
  for (const auto& row : rows) EXPECT_EQ(row["passed"], true) << row;
  EXPECT_EQ(rows[0]["name"], "operations");
}

TEST_F(GradcheckCommand, ASentenceForATrainedModelIsOneArgument) {
  const Outcome two = qkv({"gradcheck", "--run", documents_model("rnn"), "유나는", "갑니다."});
  EXPECT_EQ(two.exit_code, 2);
  EXPECT_TRUE(contains(two.errors, "takes one sentence; put its words in quotes"));
  EXPECT_EQ(qkv({"gradcheck", "--run", documents_model("rnn"), " "}).exit_code, 2);
  const Outcome none = qkv({"gradcheck", "--run", "nowhere"});
  EXPECT_EQ(none.exit_code, 1);
  EXPECT_TRUE(contains(none.errors, "nowhere is no run"));
}

}  // namespace
}  // namespace qkv
