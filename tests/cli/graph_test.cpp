#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "tests/cli/small_data.h"

namespace qkv {
namespace {

/// Graphs of a model as it is before training.
struct GraphCommand : testing::Test {
  GraphCommand() { write_initial_run(qkv); }

  Outcome operator()(Arguments arguments) const {
    arguments.insert(arguments.begin(), {"graph", "run"});
    return qkv(arguments);
  }

  bool exists(const std::string& file) const { return std::filesystem::exists(qkv.folder() / file); }

  Program qkv;
};

TEST_F(GraphCommand, WritesWhatJsonSays) {
  const Outcome outcome = (*this)({"하나 둘 셋", "--out", "g.dot", "--json"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
  const auto json = nlohmann::json::parse(outcome.output);
  EXPECT_LE(json.at("nodes").size(), 40U);
  EXPECT_GE(json.at("nodes").size(), 15U);
  EXPECT_EQ(qkv.text_of("g.dot"), json.at("dot"));
  const Outcome again = (*this)({"하나 둘 셋", "--out", "g.dot"});
  EXPECT_TRUE(contains(
      again.output, fmt::format("g.dot: {} boxes and {} edges\n", json.at("nodes").size(), json.at("edges").size())));
}

TEST_F(GraphCommand, FoldsAsFarAsAskedFor) {
  const Outcome outcome = (*this)({"하나 둘 셋", "--boxes", "9", "--json"});
  EXPECT_LE(nlohmann::json::parse(outcome.output).at("nodes").size(), 9U);
}

TEST_F(GraphCommand, NumbersStandThereOnDemandAndAreTheSameForTheSameSeed) {
  const auto dot = [&](const Arguments& more) {
    Arguments arguments{"하나 둘 셋", "--target", "three two one", "--head", "1", "--out", "g.dot"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    EXPECT_EQ((*this)(arguments).exit_code, 0);
    return qkv.text_of("g.dot");
  };
  EXPECT_EQ(dot({}).find("‖"), std::string::npos);
  EXPECT_TRUE(contains(dot({"--values"}), "‖value‖ = "));
  EXPECT_TRUE(contains(dot({"--gradients"}), "‖gradient‖ = "));
  const std::string tangents = dot({"--tangents", "--seed", "5"});
  EXPECT_TRUE(contains(tangents, "‖tangent‖ = "));
  EXPECT_EQ(dot({"--tangents", "--seed", "5"}), tangents);
  EXPECT_NE(dot({"--tangents", "--seed", "6"}), tangents);
}

TEST_F(GraphCommand, WithoutGraphvizAnSvgIsAnErrorAndADotFileIsNot) {
  const Outcome svg = qkv.shell("PATH=/nowhere \"$QKV\" graph run '하나 둘 셋' --out g.svg");
  EXPECT_EQ(svg.exit_code, 1);
  EXPECT_TRUE(contains(svg.errors, "its package is called graphviz"));
  EXPECT_FALSE(exists("g.svg"));
  EXPECT_EQ(qkv.shell("PATH=/nowhere \"$QKV\" graph run '하나 둘 셋' --out g.dot").exit_code, 0);
}

TEST_F(GraphCommand, AFailureOfGraphvizLeavesTheOldFile) {
  const Outcome outcome = qkv.shell(
      "mkdir bin; printf '#!/bin/sh\\necho half; echo no fonts >&2; exit 3\\n' > bin/dot; chmod +x bin/dot; echo old > "
      "g.svg; PATH=$PWD/bin:$PATH \"$QKV\" graph run '하나 둘 셋' --out g.svg");
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_TRUE(contains(outcome.errors, "no fonts"));
  EXPECT_EQ(qkv.text_of("g.svg"), "old\n");
}

TEST_F(GraphCommand, DrawsAnSvg) {
  const Outcome outcome = (*this)({"하나 둘 <script>", "--out", "g.svg"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
  const std::string svg = qkv.text_of("g.svg");
  EXPECT_TRUE(contains(svg, "하나 둘 &lt;script&gt;"));
  EXPECT_EQ(svg.find("<script"), std::string::npos);
  EXPECT_TRUE(ends_with(svg, "</svg>\n"));
}

TEST_F(GraphCommand, UnknownWordsOfBothSentencesAreWarnedOf) {
  const Outcome outcome = (*this)({"다섰 둘", "--target", "onne two", "--out", "g.dot"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_TRUE(contains(outcome.errors, "\"다섰\" is not a word that this model knows; the nearest that it knows is "));
  EXPECT_TRUE(contains(outcome.errors, "\"onne\" is not a word that this model knows; the nearest that it knows is "));
}

TEST_F(GraphCommand, WrongUsageSaysWhatIsMeant) {
  const auto refused = [&](const Arguments& arguments, const std::string& said, int exit_code) {
    const Outcome outcome = (*this)(arguments);
    EXPECT_EQ(outcome.exit_code, exit_code) << outcome.errors;
    EXPECT_TRUE(contains(outcome.errors, said));
    EXPECT_EQ(outcome.output, "");
  };
  refused({"하나", "--out", "g.png"}, "\"g.png\" ends neither in .svg", 2);
  refused({"하나"}, "--out is required", 2);
  refused({"하나", "--out", "g.dot", "--head", "2"}, "head 2 does not exist; this model's heads are 0 to 1", 2);
  refused({"하나", "--out", "g.dot", "--layer", "1"}, "layer 1 does not exist; this model's layers are 0 to 0", 2);
  refused({"하나", "--out", "g.dot", "--boxes", "0"}, "--boxes", 2);
  refused({"하나", "--out", "g.dot", "--head", "1", "--boxes", "9"}, "--boxes", 2);
  refused({" ", "--out", "g.dot"}, "the sentence is empty", 2);
  refused({"하나", "--target", "", "--out", "g.dot"}, "--target is empty", 2);
  refused({"하나", "--out", "nowhere/g.dot"}, "nowhere/g.dot: cannot write", 1);
  EXPECT_FALSE(exists("g.dot"));
  EXPECT_FALSE(exists("g.png"));
}

TEST_F(GraphCommand, AModelWithoutAttentionHasNoHead) {
  ASSERT_EQ(qkv({"train", "--data", "data", "--model", "rnn", "--hidden", "8", "--embedding", "8", "--steps", "0",
                 "--out", "rnn"})
                .exit_code,
            0);
  const Outcome outcome = qkv({"graph", "rnn", "하나", "--out", "g.dot", "--head", "0"});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_TRUE(contains(outcome.errors, "rnn: this model has no attention"));
  EXPECT_EQ(qkv({"graph", "rnn", "하나", "--out", "g.dot"}).exit_code, 0);
}

}  // namespace
}  // namespace qkv
