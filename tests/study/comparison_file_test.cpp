#include "qkv/study/compare/comparison_file.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "qkv/files/durable_file.h"
#include "tests/files/temporary_folder.h"

namespace qkv {
namespace {

/// Three models with one training each, and a score.
Comparison comparison() {
  Comparison result;
  result.options.data = "data";
  result.seeds = {1};
  result.data = {30, 20, 300};
  result.models = plan_comparison(result.options, result.data);
  result.of_models.resize(3);
  result.sets = {{"test", false, {Pair{{"a"}, {"b"}, {}}}}};
  result.lengths = {{1, 3, true}, {4, 4, false}};
  ScoreRow row;
  row.set = "test";
  row.length = "1-3";
  row.seen = true;
  row.sentences = 1;
  row.exact_match = {{0.5, 0.25, 0.75}, 0.5, 0.5};
  for (std::size_t i = 0; i < 3; ++i) {
    result.of_models[i].scores = {row};
    result.of_runs.push_back({i, 1, result.models[i].run_name(1), {row}, {std::nullopt}});
  }
  result.of_runs[0].alignment[0] = ComparedAlignment{{1, 2, 0}, true, 0.25, 0.5, 0.5, 0.125};
  return result;
}

std::string reason(const std::string& path) {
  try {
    read_comparison(path);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
}

TEST(ComparisonFile, IsReadAsItWasWritten) {
  const TemporaryFolder folder;
  const nlohmann::ordered_json json = comparison_json(comparison());
  write_durably(folder / "compare.json", json.dump(1));
  EXPECT_EQ(read_comparison(folder / "compare.json"), nlohmann::json::parse(json.dump()));
  EXPECT_EQ(read_comparison(folder / ""), nlohmann::json::parse(json.dump()));
  EXPECT_EQ(json["models"][1]["model"], "rnn");
  EXPECT_EQ(json["models"][0]["scores"][0]["exact_match"]["high"], 0.75);
  EXPECT_EQ(json["models"][0]["alignment"][0]["aer"]["value"], 0.25);
  EXPECT_EQ(json["lengths"][1]["seen"], false);
}

TEST(ComparisonFile, TheTableHasALineForEachMeasure) {
  const std::string csv = comparison_csv(comparison());
  EXPECT_TRUE(
      csv.starts_with("model,seed,width,set,length,measure,n,value,low,high\n"
                      "transformer,1,64,test,1-3,exact_match,1,0.5,0.25,0.75\n"))
      << csv;
  EXPECT_NE(csv.find("transformer,1,64,test,all,aer,1,0.25,,\n"), std::string::npos) << csv;
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 1 + 3 * 4 + 1);
}

TEST(ComparisonFile, WhatIsNoneIsRefusedWithTheReason) {
  const TemporaryFolder folder;
  const std::string file = folder / "compare.json";
  EXPECT_EQ(reason(folder / ""), folder / "" + std::string(" holds no comparison: there is no ") + file);
  const auto reason_for = [&](const std::string& text) {
    write_durably(file, text);
    const std::string why = reason(file);
    return why.starts_with(file) ? why.substr(file.size()) : why;
  };
  EXPECT_TRUE(reason_for("{").starts_with(": not valid JSON: ")) << reason_for("{");
  EXPECT_EQ(reason_for("[]"), ": this is no comparison");
  nlohmann::ordered_json json = comparison_json(comparison());
  json["schema"] = 2;
  EXPECT_EQ(reason_for(json.dump()),
            ": a comparison of schema 2, of which this version reads 1; compare again, which keeps the "
            "trained runs");
  json = comparison_json(comparison());
  json.erase("runs");
  EXPECT_EQ(reason_for(json.dump()), ": there is no list \"runs\" in it");
  json = comparison_json(comparison());
  json["models"][2].erase("width");
  EXPECT_EQ(reason_for(json.dump()), ": a model in it has no \"width\"");
}

}  // namespace
}  // namespace qkv
