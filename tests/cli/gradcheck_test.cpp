#include <nlohmann/json.hpp>
#include <set>

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
  int notes = 0;
  for (const NamedGradcheck& check : gradchecks()) {
    std::string line;
    std::getline(lines, line);
    for (; line.starts_with("    note: "); std::getline(lines, line), ++notes)
      EXPECT_TRUE(contains(line, "zero by mathematics")) << "before " << check.name;
    EXPECT_TRUE(starts_with(line, check.name));
    EXPECT_TRUE(contains(line, check.kind));
    EXPECT_TRUE(ends_with(line, "  ok"));
  }
  EXPECT_GT(notes, 5);
  const std::string all = std::to_string(gradchecks().size());
  EXPECT_TRUE(contains(outcome.output, "\n" + all + " of " + all + " gradients are right"));
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
  const auto rows = nlohmann::json::parse(qkv({"gradcheck", "softmax causal padding", "sum", "--json"}).output);
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[1]["name"], "sum");
  EXPECT_EQ(rows[1]["kind"], "operation");
  EXPECT_EQ(rows[1]["inputs"], 24);
  EXPECT_EQ(rows[1]["jacobian_entries"], 24);
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
}

}  // namespace
}  // namespace qkv
