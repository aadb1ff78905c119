#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <memory>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/options.h"
#include "cli/terminal.h"
#include "qkv/datasets/text.h"
#include "qkv/datasets/visible_text.h"
#include "qkv/files/message.h"
#include "qkv/study/check_run.h"
#include "qkv/study/gradcheck_table.h"
#include "qkv/study/terminal_text.h"
#include "qkv/translation/source_sentence.h"

namespace qkv::cli {
namespace {

struct GradcheckArguments {
  std::vector<std::string> names;  ///< of checks, or with a run, the sentence
  std::string run;
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
  std::vector<std::string> names;
  for (const NamedGradcheck& check : all) names.push_back(check.name);
  const auto nearest = nearest_word(name, names);
  throw WrongUsage(fmt::format("there is no gradient check {}{}; qkv gradcheck lists all", in_quotes(name),
                               nearest ? fmt::format("; the nearest is \"{}\"", names[*nearest]) : ""));
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
  for (const auto& [input, reason] : result.zero_gradients)
    json["zero_gradients"].push_back({{"input", input}, {"reason", reason}});
  for (const Mismatch& mismatch : result.mismatches)
    json["mismatches"].push_back({{"input", mismatch.input},
                                  {"index", mismatch.index},
                                  {"got", mismatch.got},
                                  {"expected", mismatch.expected},
                                  {"diagnosis", mismatch.diagnosis}});
  return json;
}

/// Checks a trained model at its own parameters, on a sentence.
void check_trained(const GradcheckArguments& options) {
  if (options.names.size() > 1) throw WrongUsage("gradcheck --run takes one sentence; put its words in quotes");
  const TrainedModel trained = load_run(options.run);
  const Sentence sentence = options.names.empty()
                                ? frequent_words(trained)
                                : read_source(options.names[0], trained.source, *trained.tokenisers.source).words;
  if (sentence.empty()) throw WrongUsage("the sentence is empty");
  const std::vector<RunCheck> checks = check_run(trained, sentence);
  if (options.json) {
    nlohmann::ordered_json rows = nlohmann::ordered_json::array();
    for (const auto& [name, passed, result, notes] : checks)
      rows.push_back({{"name", name}, {"passed", passed}, {"result", result}, {"notes", notes}});
    print_json(rows, 2);
  } else {
    print("{} on {}\n", visible(options.run), in_quotes(text_of(*trained.tokenisers.source, sentence)));
    for (const auto& [name, passed, result, notes] : checks) {
      print("{:<11} {:<5}  {}\n", name, passed ? "ok" : "WRONG", result);
      for (const std::string& note : notes)
        print_lines(in_lines("note: " + visible(note), terminal_width(STDOUT_FILENO), 4));
    }
  }
  const auto failed = std::count_if(checks.begin(), checks.end(), [](const RunCheck& check) { return !check.passed; });
  if (failed > 0) throw std::runtime_error(fmt::format("{} of {} checks failed", failed, checks.size()));
}

void run(const GradcheckArguments& options) {
  if (!options.run.empty()) return check_trained(options);
  const std::vector<NamedGradcheck> checks = chosen(options.names);
  std::size_t name_width = 4;
  for (const NamedGradcheck& check : checks) name_width = std::max(name_width, check.name.size());
  const int width = static_cast<int>(name_width);
  if (!options.json) print_lines(gradcheck_head(width));
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  std::vector<ZeroGradient> zero;
  std::size_t failed = 0;
  const auto start = std::chrono::steady_clock::now();
  for (const NamedGradcheck& check : checks) {
    const GradcheckResult result = check.run(options.seed);
    failed += result.passed ? 0 : 1;
    zero.insert(zero.end(), result.zero_gradients.begin(), result.zero_gradients.end());
    if (options.json)
      rows.push_back(to_json(check, result));
    else
      print_lines(gradcheck_row(check, result, width));
    std::fflush(stdout);
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (options.json)
    print_json(rows, 2);
  else
    print("\n{} of {} {} right; checked in {:.1f} s.\n", checks.size() - failed, checks.size(),
          checks.size() == 1 ? "gradient is" : "gradients are", seconds);
  if (!options.json) print_lines(zero_by_mathematics(zero));
  if (failed > 0)
    throw std::runtime_error(fmt::format("{} of {} failed", failed, counted(checks.size(), "gradient check")));
}

}  // namespace

void add_gradcheck(CLI::App& app) {
  const auto options = std::make_shared<GradcheckArguments>();
  CLI::App* gradcheck = app.add_subcommand("gradcheck", "Check the gradient of every operation, layer and model");
  gradcheck->add_option("NAME", options->names, "check these only; without any, all; with --run, a sentence");
  add_path(*gradcheck, "--run", options->run, "check this trained model at its own parameters", "RUN");
  add_number(*gradcheck, "--seed", options->seed, "what the random inputs and directions follow from", seed_range);
  gradcheck->add_flag("--json", options->json, "print the rows as a JSON list");
  gradcheck->footer(
      "Examples:\n  qkv gradcheck attention layer_norm\n  qkv gradcheck --run runs/transformer \"저는 학교에 갑니다 "
      ".\"");
  gradcheck->callback([options] { run(*options); });
}

}  // namespace qkv::cli
