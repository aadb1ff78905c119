#include <nlohmann/json.hpp>

#include "qkv/datasets/text.h"
#include "tests/cli/program.h"

namespace qkv {
namespace {

/// The models of the chapters, as users type it.
struct Explain : testing::Test {
  Outcome operator()(const std::string& model, Arguments arguments) const {
    arguments.insert(arguments.begin(),
                     {"explain", std::string(QKV_SOURCE_DIR) + "/docs/checkpoint/" + model, sentence});
    return qkv(arguments);
  }

  const std::string sentence = "민수는 새 집을 안 그립니다.";
  Program qkv;
};

TEST_F(Explain, StepsWithTheirSums) {
  const Outcome outcome = (*this)("transformer", {"--word", "2"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
  EXPECT_TRUE(contains(outcome.output, "decoder.layers.0.cross_attention, layer 0 of 1,"));
  EXPECT_TRUE(contains(outcome.output, ", the sharpest"));
  EXPECT_TRUE(contains(outcome.output, "softmax over j of scaled[i,j]"));
  EXPECT_TRUE(contains(outcome.output, "weights[2,"));
  EXPECT_FALSE(contains(outcome.output, "\x1b[")) << "no colours into a file";
  EXPECT_FALSE(contains(outcome.output, "d output"));
}

TEST_F(Explain, BackwardsEveryGradientAgreesInEveryModel) {
  for (const char* model : {"transformer", "rnn-attention", "rnn"}) {
    const Outcome outcome = (*this)(model, {"--target", "Minsu draws a new house .", "--backward", "--json"});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
    const auto json = nlohmann::json::parse(outcome.output);
    EXPECT_EQ(json.at("model"), model);
    EXPECT_EQ(json.at("own_translation"), false);
    EXPECT_GE(json.at("backward").size(), 4U);
    for (const auto& step : json.at("backward")) EXPECT_EQ(step.at("agrees"), true) << model << " " << step.at("name");
    EXPECT_LT(json.at("step").at("loss_after"), json.at("step").at("loss_before"));
  }
}

TEST_F(Explain, AModelThatIsSureHasSmallGradientsAndSaysSo) {
  const auto says = [&](const Arguments& arguments) {
    const Outcome outcome = (*this)("rnn", arguments);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.errors;
    return outcome.output.find("the model is nearly sure of this translation (loss ") != std::string::npos;
  };
  EXPECT_TRUE(says({"--backward"}));
  EXPECT_FALSE(says({"--backward", "--target", "Minsu draws a new house ."}));
}

/// What flows back through the one context vector is what that model is looked at for.
TEST_F(Explain, TheFixedContextShowsHowMuchReachesEachWord) {
  const Outcome outcome = (*this)("rnn", {"--target", "Minsu draws a new house ."});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
  EXPECT_TRUE(contains(outcome.output, "\nBackwards, all of it with --backward: "));
  EXPECT_TRUE(contains(outcome.output, "\nreach: how much of ∂loss reaches each source word"));
  EXPECT_FALSE(contains(outcome.output, "  exact"));
  for (const char* model : {"transformer", "rnn-attention"})
    EXPECT_FALSE(contains((*this)(model, {}).output, "Backwards"));
}

TEST_F(Explain, WeightsAreThoseOfTranslate) {
  const std::string run = std::string(QKV_SOURCE_DIR) + "/docs/checkpoint/transformer";
  const auto translated =
      nlohmann::json::parse(qkv({"translate", run, sentence, "--attention", "cross", "--json"}).output);
  for (const auto& attention : translated.at("attention")) {
    const std::string head = std::to_string(attention.at("head").get<int>());
    const auto explained = nlohmann::json::parse((*this)("transformer", {"--head", head, "--json"}).output);
    for (const auto& step : explained.at("forward")) {
      if (step.at("name") != "weights") continue;
      EXPECT_EQ(step.at("rows"), attention.at("rows"));
      for (std::size_t i = 0; i < step.at("values").size(); ++i)
        for (std::size_t j = 0; j < step.at("values").at(i).size(); ++j)
          EXPECT_NEAR(step.at("values").at(i).at(j).get<double>(), attention.at("weights").at(i).at(j).get<double>(),
                      1e-5);
    }
  }
}

TEST_F(Explain, WrongUsageSaysWhatThereIs) {
  const auto error = [&](const std::string& model, const Arguments& arguments) {
    const Outcome outcome = (*this)(model, arguments);
    EXPECT_EQ(outcome.exit_code, 2) << outcome.errors;
    EXPECT_EQ(outcome.output, "");
    return outcome.errors;
  };
  EXPECT_TRUE(
      contains(error("transformer", {"--layer", "3"}), "layer 3 does not exist; this model's layers are 0 to 0"));
  EXPECT_TRUE(contains(error("transformer", {"--head", "2"}), "head 2 does not exist; this model's heads are 0 to 1"));
  EXPECT_TRUE(contains(error("transformer", {"--word", "99"}), "word 99 does not exist; the words that ask"));
  EXPECT_TRUE(contains(error("rnn-attention", {"--attention", "encoder"}), "has no encoder self-attention"));
  EXPECT_TRUE(contains(error("rnn", {"--head", "0"}), "a model without attention, rnn"));
  EXPECT_TRUE(contains(error("transformer", {"--rate", "1"}), "give --backward too"));
  EXPECT_TRUE(contains(error("transformer", {"--target", " "}), "--target is empty"));
  const Outcome empty = qkv({"explain", std::string(QKV_SOURCE_DIR) + "/docs/checkpoint/transformer", "  "});
  EXPECT_EQ(empty.exit_code, 2);
  EXPECT_TRUE(contains(empty.errors, "the sentence is empty: there is nothing to attend to"));
}

TEST(ExplainOnATerminal, ABarShowsThePassesOnATerminalOnly) {
  const Program qkv;
  const Arguments arguments{"explain", std::string(QKV_SOURCE_DIR) + "/docs/checkpoint/transformer",
                            "저는 새 책을 봅니다 .", "--backward"};
  const Outcome shown = qkv.on({.columns = 70}, arguments);
  ASSERT_EQ(shown.exit_code, 0) << shown.output;
  const std::string bar = " exact derivatives: pass ";
  const std::size_t last = shown.output.rfind(bar);
  ASSERT_NE(last, std::string::npos);
  const std::size_t begin = shown.output.rfind('\r', last), end = shown.output.find("\033[K", last);
  EXPECT_TRUE(
      matches(shown.output.substr(begin, end - begin), "\r(█|░)*" + bar + "[0-9]+/[0-9]+  [0-9]+:[0-9][0-9] left"));
  EXPECT_LT(columns(shown.output.substr(begin + 1, end - begin - 1)), 70);
  EXPECT_TRUE(starts_with(shown.output.substr(end), "\033[K\r\033[Kcross-attention of transformer")) << "it goes away";
  const Outcome elsewhere = qkv(arguments);
  EXPECT_EQ(elsewhere.exit_code, 0);
  EXPECT_EQ(elsewhere.errors, "");
}

TEST_F(Explain, UnknownWordsAreWarnedOf) {
  const Outcome outcome = (*this)("transformer", {"--target", "Minsu drows a house .", "--json"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
  EXPECT_TRUE(contains(outcome.errors, "\"drows\" is not a word that this model knows; the nearest that it knows is"));
  EXPECT_EQ(nlohmann::json::parse(outcome.output).at("unknown"), nlohmann::json({"drows"}));
}

}  // namespace
}  // namespace qkv
