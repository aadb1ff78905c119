#include <fmt/format.h>
#include <memory>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/options.h"
#include "cli/passes_bar.h"
#include "cli/sentences.h"
#include "cli/terminal.h"
#include "qkv/study/explain/explanation.h"
#include "qkv/study/explain/explanation_text.h"

namespace qkv::cli {
namespace {

struct ExplainArguments {
  std::string run, sentence;
  std::optional<std::string> target;
  bool chose_attention = false;
  ExplainOptions explain;
  bool json = false;
};

/// Options that this model has nothing for.
void check_options(const ExplainArguments& options, const TrainedModel& trained) {
  const CrossAttention attention = cross_attention(trained.config.model);
  const bool chose = options.chose_attention || options.explain.layer || options.explain.head;
  if (attention.layers == 0 && chose)
    throw WrongUsage(
        fmt::format("{} holds a model without attention, {}: --attention, --layer and --head choose nothing in it; its "
                    "one context vector is explained without them",
                    options.run, name_of(trained.config.model)));
  if (options.explain.rate && !options.explain.backward)
    throw WrongUsage("--rate is the size of the step that --backward takes; give --backward too");
  if (options.explain.of && options.explain.backward)
    throw WrongUsage("--of takes one number apart, \"d weights[0,1]\" too, without the steps that --backward shows");
}

/// The command that takes apart what the number is mostly made of.
std::string where_to_go_on(const ExplainArguments& options, const Explanation& explanation) {
  const std::string next = explanation.of ? next_address(*explanation.of) : "";
  if (next.empty()) return "";
  std::string command = fmt::format("qkv explain {} {}", as_typed(options.run), as_typed(options.sentence));
  if (options.target) command += fmt::format(" --target {}", as_typed(*options.target));
  if (options.explain.kind == AttentionKind::self) command += " --attention encoder";
  if (options.explain.kind == AttentionKind::causal) command += " --attention decoder";
  if (options.explain.layer) command += fmt::format(" --layer {}", *options.explain.layer);
  if (options.explain.head) command += fmt::format(" --head {}", *options.explain.head);
  return fmt::format("\ngo on with\n  {} --of {}\n", command, as_typed(next));
}

void run(const ExplainArguments& options) {
  const TrainedModel trained = load_run(options.run);
  check_options(options, trained);
  Explainer explainer(trained, read_pair(trained, options.sentence, options.target));
  const Explanation explanation = [&] {
    PassesBar bar;
    ExplainOptions explain = options.explain;
    explain.on_pass = [&](std::int64_t done, std::int64_t all) { bar.show(done, all); };
    try {
      return explainer.explain(explain);
    } catch (const std::invalid_argument& error) {  // no such attention, layer, head, word or address
      throw WrongUsage(fmt::format("{}: {}", options.run, error.what()));
    }
  }();
  if (options.json)
    print_json(to_json(explanation));
  else
    print_lines(as_text(explanation, terminal_width(STDOUT_FILENO)) + where_to_go_on(options, explanation));
}

}  // namespace

void add_explain(CLI::App& app) {
  const auto options = std::make_shared<ExplainArguments>();
  CLI::App* explain = app.add_subcommand("explain", "Show an attention step by step, forwards and backwards");
  add_path(*explain, "RUN", options->run, "the run folder of a trained model", "RUN")->required();
  explain->add_option("SENTENCE", options->sentence, "the sentence that is translated")->required();
  add_text(*explain, "--target", "a translation to explain instead of the model's own",
           [options](const std::string& text) { options->target = text; });
  add_attention(*explain, "which attention", [options](AttentionKind kind) {
    options->explain.kind = kind;
    options->chose_attention = true;
  })->default_str("cross");
  add_number(*explain, "--layer", options->explain.layer, "of this layer", Range{0, 999})->default_str("the last");
  add_number(*explain, "--head", options->explain.head, "of this head", Range{0, 999'999})->default_str("the sharpest");
  add_number(*explain, "--word", options->explain.word, "the word that asks whose row is spelt out", Range{0, 999'999})
      ->default_str("the middle one");
  explain->add_flag("--backward", options->explain.backward,
                    "go on backwards, every gradient beside its exact derivative, and take a step");
  add_number(*explain, "--rate", options->explain.rate, "learning rate of that step", Range{0.0, 1e6})
      ->default_str("the run's");
  add_text(*explain, "--of", "only the number at this address, such as \"d weights[2,5]\", taken apart",
           [options](const std::string& text) { options->explain.of = text; });
  explain->add_flag("--json", options->json, "one JSON object with every number");
  explain->footer(
      "Example:\n  qkv explain runs/transformer \"저는 학교에 갑니다.\" --backward\n"
      "Words, rows and columns count from 0.");
  explain->callback([options] { run(*options); });
}

}  // namespace qkv::cli
