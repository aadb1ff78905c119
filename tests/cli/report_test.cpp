// `qkv report`: what the page holds is what the other commands say.

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fmt/format.h>
#include <map>
#include <nlohmann/json.hpp>

#include "tests/cli/runs.h"
#include "tests/cli/small_data.h"

namespace qkv {
namespace {

namespace fs = std::filesystem;

struct ReportCommand : testing::Test {
  static const Program& trained() {
    static const Program program;
    static const bool is_made = [] {
      write_small_data(program);
      return program(train_tiny("run", {"--steps", "12", "--lr", "0.02"})).exit_code == 0;
    }();
    EXPECT_TRUE(is_made);
    return program;
  }

  static nlohmann::json report(const Arguments& more = {}, const std::string& run = "run") {
    Arguments arguments{"report", run, "--out", "report.html"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Outcome outcome = trained()(arguments);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.errors;
    return data_of_page(trained(), "report.html");
  }

  static void expect_refused(const Arguments& arguments, int exit_code, const std::string& why) {
    const Outcome outcome = trained()(arguments);
    EXPECT_EQ(outcome.exit_code, exit_code) << outcome.errors;
    EXPECT_TRUE(contains(outcome.errors, why));
    EXPECT_EQ(outcome.output, "");
  }
};

TEST_F(ReportCommand, HoldsWhatEvalAndTranslateSay) {
  const nlohmann::json data = report();
  EXPECT_EQ(data["run"], "run");
  EXPECT_EQ(data["model"], "transformer");
  EXPECT_EQ(data["settings"]["d_model"], 8);
  EXPECT_EQ(data["tests"], nlohmann::json::parse(trained().text_of("run/test.json")));
  const auto& pairs = data["translations"];
  ASSERT_EQ(pairs["source"].size(), 8U);
  ASSERT_EQ(data["sentences"].size(), 8U);
  for (std::size_t i = 0; i < 8; ++i) {
    const Outcome outcome = trained()({"translate", "run", pairs["source"][i].get<std::string>()});
    EXPECT_EQ(outcome.output, pairs["translation"][i].get<std::string>() + "\n");
    EXPECT_EQ(pairs["translation"][i] == pairs["reference"][i], pairs["edits"][i] == 0);
  }
  const auto log = metrics_of(trained(), "run");
  EXPECT_EQ(data["training"]["steps"]["step"].size(), 12U);
  EXPECT_EQ(data["training"]["steps"]["loss"][0], log[0]["loss"]);
  EXPECT_EQ(data["training"]["validations"]["valid_loss"].back(), log.back()["valid_loss"]);
  EXPECT_EQ(data["snapshots"]["steps"], nlohmann::json({0, 10, 12}));
  const auto& attention = data["snapshots"]["sentences"][0]["attentions"][0];
  EXPECT_EQ(attention["weights"].size(), 3U);
  EXPECT_EQ(attention["weights"][0].size(), 2U) << "heads";
}

TEST_F(ReportCommand, ShowsTheAttentionOfTheOwnTranslation) {
  const nlohmann::json data = report();
  for (const auto& sentence : data["sentences"]) {
    std::string source;
    for (const auto& word : sentence["source"])
      if (word != "<eos>") source += word.get<std::string>() + " ";
    const auto said =
        nlohmann::json::parse(trained()({"translate", "run", source, "--attention", "cross", "--json"}).output);
    EXPECT_EQ(sentence["read"].size(), sentence["predicted"].size());
    for (const auto& attention : sentence["attentions"]) {
      if (attention["kind"] != "cross") continue;
      EXPECT_EQ(attention["aer"].size(), 2U);
      for (std::size_t head = 0; head < 2; ++head) {
        const auto &got = attention["weights"][head], &expected = said["attention"][head]["weights"];
        ASSERT_EQ(got.size(), sentence["read"].size());
        for (std::size_t row = 0; row < got.size(); ++row)
          for (std::size_t column = 0; column < got[row].size(); ++column)
            EXPECT_NEAR(got[row][column].get<double>(), expected[row][column].get<double>(), 6e-4);
      }
    }
    EXPECT_EQ(sentence["switched_off"].size(), 6U) << "three attentions of two heads";
    EXPECT_EQ(sentence["loss_of_words"].size(), sentence["predicted"].size());
    EXPECT_FALSE(sentence["links"].is_null());
  }
}

/// Asserts that a report explains a head as `qkv explain` does with these arguments, to four digits.
void expect_same_steps(const Program& program, const nlohmann::json& head, Arguments arguments) {
  const std::map<std::string, std::string> names{{"cross", "cross"}, {"self", "encoder"}, {"causal", "decoder"}};
  const auto& attention = head["attention"];
  arguments.insert(arguments.end(), {"--attention", names.at(attention["kind"].get<std::string>()), "--head",
                                     std::to_string(attention["head"].get<int>()), "--json"});
  if (head.contains("backward")) arguments.push_back("--backward");
  const auto said = nlohmann::json::parse(program(arguments).output);
  EXPECT_EQ(said["own_translation"], head["own_translation"]);
  for (const char* part : {"forward", "backward"}) {
    if (!head.contains(part)) continue;
    EXPECT_EQ(head[part].size(), said[part].size()) << attention["name"];
    for (const auto& step : head[part]) {
      const auto same = std::find_if(said[part].begin(), said[part].end(),
                                     [&](const auto& one) { return one["name"] == step["name"]; });
      ASSERT_NE(same, said[part].end()) << step["name"];
      EXPECT_EQ(step.value("agrees", true), true) << step["name"];
      const auto &got = step["values"], &expected = (*same)["values"];
      ASSERT_EQ(got.size(), expected.size()) << step["name"];
      for (std::size_t i = 0; i < got.size(); ++i)
        for (std::size_t j = 0; j < got[i].size(); ++j) {
          if (got[i][j].is_null()) continue;
          const double number = expected[i][j].get<double>();
          EXPECT_NEAR(got[i][j].get<double>(), number, 6e-4 * std::abs(number)) << step["name"];
        }
    }
  }
}

TEST_F(ReportCommand, ExplainsEachHeadOfEachSentenceThatWasAskedForAsExplainDoes) {
  nlohmann::json data = report({"--sentence", "하나 둘 셋", "--sentence", "둘", "--sentence", "넷 셋"});
  for (int i = 0; const char* text : {"하나 둘 셋", "둘", "넷 셋"}) {
    auto& explained = data["sentences"][static_cast<std::size_t>(i)]["explained"];
    ASSERT_EQ(explained.size(), 6U) << "three attentions of two heads";
    put_in_shared_steps(explained);
    for (const auto& head : explained) {
      EXPECT_EQ(head.contains("backward"), i == 0) << "the first of them backwards";
      expect_same_steps(trained(), head, {"explain", "run", text});
    }
    ++i;
  }
}

TEST_F(ReportCommand, WritesOnceWhatExplanationsOfASentenceShare) {
  const nlohmann::json data = report({"--sentence", "하나 둘 셋"});
  std::map<std::string, int> written;
  for (const auto& head : data["sentences"][0]["explained"])
    for (const auto& step : head["forward"])
      if (!step.contains("same_as")) ++written[step["name"]];
  EXPECT_EQ(written["queries"], 6);
  EXPECT_EQ(written["memory"], 1);
  EXPECT_EQ(written["embeddings"], 2) << "of the encoder, of the decoder";
  EXPECT_EQ(written["positions"], 2) << "of four source words, of the decoder's";
}

TEST_F(ReportCommand, SaysOfEachNumberThatTheStepsBeginWithWhatItIsMadeOf) {
  nlohmann::json data = report({"--sentence", "하나 둘 셋"});
  auto& explained = data["sentences"][0]["explained"];
  put_in_shared_steps(explained);
  int told = 0;
  for (const auto& head : explained)
    for (const auto& step : head["forward"]) {
      if (!step.contains("row_formulas")) continue;
      const std::size_t last = step["values"].size() - 1;
      const auto& row = step["row_formulas"][last];
      double sum = 0;
      for (const auto& product : row["terms"]) {
        double term = 1;
        for (const auto& factor : product) term *= factor["values"][3].get<double>();
        sum += term;
      }
      if (row["operation"] == "sum") {
        EXPECT_NEAR(sum, step["values"][last][3].get<double>(), 2e-3) << step["name"];
      } else {
        EXPECT_EQ(row["expressions"][3], fmt::format("cos({} / 10000^(2/8))", last));
      }
      ++told;
    }
  EXPECT_EQ(told, 6 * 3 + 2) << "embeddings, positions and x of each head; the memory of two";
}

TEST_F(ReportCommand, ExplainsAWrongTranslationByItsReference) {
  nlohmann::json data = report();
  std::size_t wrong = 0, explained = 0;
  for (auto& sentence : data["sentences"]) {
    put_in_shared_steps(sentence["explained"]);
    if (sentence["explained"].empty()) continue;
    ++explained;
    if (sentence["explained"][0]["own_translation"]) continue;
    ++wrong;
    EXPECT_FALSE(sentence["exact"]);
    for (const auto& head : sentence["explained"]) {
      EXPECT_TRUE(head.contains("backward"));
      EXPECT_GT(head["loss"], 0.1);
      expect_same_steps(trained(), head,
                        {"explain", "run", sentence["text"]["source"].get<std::string>(), "--target",
                         sentence["text"]["reference"].get<std::string>()});
    }
  }
  EXPECT_EQ(wrong, 1U);
  EXPECT_EQ(explained, 3U);
}

TEST_F(ReportCommand, HoldsWhatQueriesKeysAndValuesAreMadeWithAndOutputsAreProjectedBy) {
  const nlohmann::json data = report({"--sentence", "하나 둘 셋"});
  ASSERT_EQ(data["projections"].size(), 3U);
  for (const auto& [name, those] : data["projections"].items()) {
    ASSERT_EQ(those.size(), 8U) << name;
    EXPECT_EQ(those["value.bias"].size(), 1U);
    EXPECT_EQ(those["value.bias"][0].size(), 8U);
    EXPECT_EQ(those["key.weight"].size(), 8U);
    for (const char* weight : {"query.weight", "key.weight", "value.weight", "output.weight"}) {
      const std::string address = name + "." + weight + "[5,3]";
      const auto said =
          nlohmann::json::parse(trained()({"explain", "run", "하나 둘 셋", "--of", address, "--json"}).output);
      EXPECT_NEAR(those[weight][5][3].get<double>(), said["of"]["value"].get<double>(), 1e-4) << address;
    }
  }
}

TEST_F(ReportCommand, DrawsTheGraphOfTheFirstSentence) {
  const nlohmann::json graph = report()["graph"];
  EXPECT_LE(graph["nodes"].size(), 40U);
  EXPECT_GT(graph["edges"].size(), graph["nodes"].size());
  EXPECT_TRUE(starts_with(graph["dot"].get<std::string>(), "digraph"));
}

TEST_F(ReportCommand, IsTheSameEveryTime) {
  report();
  const std::string first = trained().text_of("report.html");
  report();
  EXPECT_TRUE(trained().text_of("report.html") == first);
}

TEST_F(ReportCommand, ShowsSentencesThatAreGivenWhateverTheyHold) {
  const nlohmann::json data = report({"--sentence", "<script>alert(1)</script> 둘", "--sentence", "[하나, 둘]"});
  EXPECT_EQ(data["sentences"][0]["source"], nlohmann::json({"<script>alert(1)</script>", "둘", "<eos>"}));
  EXPECT_EQ(data["sentences"][0]["unknown"], nlohmann::json({"<script>alert(1)</script>"}));
  EXPECT_TRUE(data["sentences"][0]["given"].get<bool>());
  EXPECT_TRUE(data["sentences"][0]["reference"].is_null());
  EXPECT_EQ(data["sentences"][1]["source"], nlohmann::json({"[하나,", "둘]", "<eos>"}));
  EXPECT_FALSE(data["sentences"][2]["given"].get<bool>());
  const Outcome outcome = trained()({"report", "run", "--out", "report.html", "--sentence", "열 하난"});
  EXPECT_TRUE(contains(outcome.errors, "qkv: warning: \"열\" is not a word that this model knows\n"));
  EXPECT_TRUE(
      contains(outcome.errors, "\"하난\" is not a word that this model knows; the nearest that it knows is \"하나\""));
  expect_refused({"report", "run", "--out", "report.html", "--sentence", " "}, 2, "has no words");
  expect_refused({"report", "run", "--out", "report.html", "--sentence", "\xFF"}, 1, "sentence 1 of the arguments");
}

TEST_F(ReportCommand, SaysWhatARunDoesNotHave) {
  const std::string old_runs = QKV_SOURCE_DIR "/tests/runs_of_version_0.1";
  for (const std::string run : {"transformer", "rnn", "rnn-attention"}) {
    const nlohmann::json data = report({}, old_runs + "/" + run);
    EXPECT_TRUE(data["snapshots"].is_null());
    EXPECT_TRUE(data["missing"].contains("snapshots"));
    EXPECT_TRUE(data["missing"].contains("test"));
    EXPECT_TRUE(data["missing"].contains("translations"));
    EXPECT_EQ(data["sentences"].size(), 0U);
    const nlohmann::json with_data = report({"--data", old_runs + "/data/valid.csv"}, old_runs + "/" + run);
    EXPECT_EQ(with_data["translations"]["set"][0], "valid");
    EXPECT_GT(with_data["sentences"].size(), 0U);
    EXPECT_EQ(with_data["sentences"][0]["attentions"].empty(), run == "rnn");
  }
}

TEST_F(ReportCommand, ReplacesOnlyReports) {
  trained().folder().file("mine.html", "<html>mine</html>");
  expect_refused({"report", "run", "--out", "mine.html"}, 1, "mine.html exists already and is no report");
  EXPECT_EQ(trained().text_of("mine.html"), "<html>mine</html>");
  EXPECT_EQ(trained()({"report", "run", "--out", "mine.html", "--overwrite"}).exit_code, 0);
  EXPECT_EQ(trained()({"report", "run", "--out", "mine.html"}).exit_code, 0) << "now it is one";
  expect_refused({"report", "run", "--out", "data"}, 1, "data: this is a folder; --out names the file to write");
  expect_refused({"report", "run", "--out", "no/such/report.html"}, 1, "there is no folder");
  expect_refused({"report", "nothing", "--out", "other.html"}, 1, "nothing is no run");
  EXPECT_FALSE(fs::exists(trained().folder() / "other.html"));
}

TEST_F(ReportCommand, NamesTheFileAndLineOfDamage) {
  const fs::path run = trained().folder() / "run", copy = trained().folder() / "damaged";
  const auto expect_damage = [&](const std::string& file, const std::string& text, const std::string& why) {
    fs::remove_all(copy);
    fs::copy(run, copy, fs::copy_options::recursive);
    trained().folder().file("damaged/" + file, text);
    expect_refused({"report", "damaged", "--out", "other.html"}, 1, "damaged/" + file + why);
    EXPECT_FALSE(fs::exists(trained().folder() / "other.html"));
  };
  const std::string first = R"({"step":1,"epoch":0,"loss":3,"lr":1,"gradient_norm":1,"tokens_per_second":1})"
                            "\n";
  expect_damage("metrics.jsonl", first + "hello\n", ":2: not valid JSON");
  expect_damage("metrics.jsonl", first + first + "{\"step\":2}\n", ":3: this is no line that training wrote");
  expect_damage("test.json", "{\n\"test\": {,}}", ":2: not valid JSON");
  expect_damage("test.json", "[]", ": these are no scores");
  expect_damage("snapshots.jsonl", "{\"step\":0}\n", ":1: this is no line that training wrote");
  fs::create_directory(trained().folder() / "compared");
  trained().folder().file("compared/compare.json", "[]");
  expect_refused({"report", "run", "--out", "other.html", "--compare", "compared"}, 1, "compare.json: this is no");
  expect_refused({"report", "run", "--out", "other.html", "--compare", "data"}, 1, "there is no data/compare.json");
}

}  // namespace
}  // namespace qkv
