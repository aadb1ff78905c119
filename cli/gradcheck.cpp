#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "datasets/text.h"
#include "study/gradcheck_table.h"
#include "study/zero_gradients.h"

namespace qkv::cli {

namespace {

struct Options {
  std::vector<std::string> names;
  std::uint64_t seed = 1;
  bool json = false;
};

/// "attention" names the check "attention" and those of its other uses, such as "attention causal".
bool is_named(const NamedGradcheck& check, const std::string& name) {
  return check.name == name || check.name.starts_with(name + " ");
}

void refuse_unknown(const std::string& name) {
  const auto& all = gradchecks();
  if (std::any_of(all.begin(), all.end(), [&](const NamedGradcheck& check) { return is_named(check, name); })) return;
  const std::u32string wanted = decompose(name);
  const auto nearest = std::min_element(all.begin(), all.end(), [&](const auto& a, const auto& b) {
    return edit_distance(decompose(a.name), wanted) < edit_distance(decompose(b.name), wanted);
  });
  throw WrongUsage(fmt::format("there is no gradient check \"{}\"; the nearest is \"{}\", and qkv gradcheck lists all",
                               name, nearest->name));
}

std::vector<NamedGradcheck> chosen(const std::vector<std::string>& names) {
  for (const std::string& name : names) refuse_unknown(name);
  std::vector<NamedGradcheck> checks;
  for (const NamedGradcheck& check : gradchecks())
    if (names.empty() ||
        std::any_of(names.begin(), names.end(), [&](const auto& name) { return is_named(check, name); }))
      checks.push_back(check);
  return checks;
}

nlohmann::ordered_json to_json(const NamedGradcheck& check, const GradcheckResult& result) {
  nlohmann::ordered_json json{{"name", check.name},      {"kind", check.kind},
                              {"inputs", result.inputs}, {"jacobian_entries", result.jacobian_entries},
                              {"error", result.error},   {"passed", result.passed},
                              {"notes", result.notes}};
  json["zero_gradients"] = nlohmann::ordered_json::array();
  for (const std::string& input : result.zero_gradients)
    json["zero_gradients"].push_back(
        {{"input", input}, {"reason", why_gradient_is_zero(input, result.zero_gradients)}});
  for (const Mismatch& mismatch : result.mismatches)
    json["mismatches"].push_back({{"input", mismatch.input},
                                  {"index", mismatch.index},
                                  {"got", mismatch.got},
                                  {"expected", mismatch.expected},
                                  {"diagnosis", mismatch.diagnosis}});
  return json;
}

void run(const Options& options) {
  const std::vector<NamedGradcheck> checks = chosen(options.names);
  std::size_t name_width = 4;
  for (const NamedGradcheck& check : checks) name_width = std::max(name_width, check.name.size());
  const int width = static_cast<int>(name_width);
  if (!options.json) fmt::print("{}", gradcheck_head(width));
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  std::size_t failed = 0;
  const auto start = std::chrono::steady_clock::now();
  for (const NamedGradcheck& check : checks) {
    const GradcheckResult result = check.run(options.seed);
    failed += result.passed ? 0 : 1;
    if (options.json)
      rows.push_back(to_json(check, result));
    else
      fmt::print("{}", gradcheck_row(check, result, width));
    std::fflush(stdout);
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (options.json)
    fmt::print("{}\n", rows.dump(2));
  else
    fmt::print("\n{} of {} gradients are right; checked in {:.1f} s.\n", checks.size() - failed, checks.size(),
               seconds);
  if (failed > 0) throw std::runtime_error(fmt::format("{} of {} gradient checks failed", failed, checks.size()));
}

}  // namespace

void add_gradcheck(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  CLI::App* gradcheck = app.add_subcommand("gradcheck", "Check the gradient of every operation, layer and model");
  gradcheck->add_option("NAME", options->names, "check these only; without any, all");
  gradcheck->add_option("--seed", options->seed, "what the random inputs and directions follow from")
      ->check(not_negative)
      ->capture_default_str();
  gradcheck->add_flag("--json", options->json, "print the rows as a JSON list");
  gradcheck->footer("Example:\n  qkv gradcheck attention layer_norm");
  gradcheck->callback([options] { run(*options); });
}

}  // namespace qkv::cli
