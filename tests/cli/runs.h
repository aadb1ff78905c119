#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "tests/cli/program.h"

namespace qkv {

/// The lines of metrics.jsonl without what the clock says.
inline std::vector<nlohmann::json> metrics_of(const Program& program, const std::string& run) {
  std::vector<nlohmann::json> lines;
  std::istringstream text(program.text_of(run + "/metrics.jsonl"));
  for (std::string line; std::getline(text, line);) {
    lines.push_back(nlohmann::json::parse(line));
    lines.back().erase("tokens_per_second");
  }
  return lines;
}

/// Puts the steps that explanations of a sentence share, which are written once, in their places.
inline void put_in_shared_steps(nlohmann::json& explained) {
  for (nlohmann::json& one : explained)
    for (nlohmann::json& step : one["forward"]) {
      if (!step.contains("same_as")) continue;
      const nlohmann::json& steps = explained.at(step["same_as"].get<std::size_t>())["forward"];
      const auto found = std::ranges::find(steps, step["name"], [](const auto& other) { return other["name"]; });
      ASSERT_TRUE(found != steps.end()) << step;
      step = nlohmann::json(*found);
    }
}

/// The data in a page that `qkv report` wrote.
inline nlohmann::json data_of_page(const Program& program, const std::string& file) {
  const std::string tag = R"(<script type="application/gzip" id="data">)";
  return nlohmann::json::parse(
      program.shell("sed -n 's:.*" + tag + "\\(.*\\)</script>.*:\\1:p' '" + file + "' | base64 -d | gunzip").output);
}

/// Whether two trainings left the same, to the last bit.
inline void expect_same_run(const Program& program, const std::string& a, const std::string& b) {
  for (const char* file : {"/model.safetensors", "/last/checkpoint.safetensors", "/source.vocab", "/target.vocab",
                           "/config.json", "/test.json"})
    EXPECT_TRUE(program.text_of(a + file) == program.text_of(b + file)) << b << file;
  const bool has_snapshots = std::filesystem::exists(program.folder() / (a + "/snapshots.jsonl"));
  ASSERT_EQ(std::filesystem::exists(program.folder() / (b + "/snapshots.jsonl")), has_snapshots);
  if (has_snapshots) {
    EXPECT_TRUE(program.text_of(a + "/snapshots.jsonl") == program.text_of(b + "/snapshots.jsonl")) << b;
  }
  EXPECT_TRUE(metrics_of(program, a) == metrics_of(program, b)) << b << "/metrics.jsonl";
}

}  // namespace qkv
