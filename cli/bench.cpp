#include "qkv/study/bench.h"

#include <algorithm>
#include <fmt/format.h>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/options.h"
#include "cli/terminal.h"
#include "qkv/datasets/vocabulary.h"

namespace qkv::cli {
namespace {

struct BenchArguments {
  std::vector<std::string> names;
  BenchConfig custom;
  double seconds = 5;
  int workers = 2;
  bool json = false;
};

/// The options that describe a configuration of one's own.
constexpr const char* sizes[] = {"--d-model",    "--heads",  "--layers",    "--ff",
                                 "--batch-size", "--length", "--vocabulary"};

std::vector<BenchConfig> configs_of(const CLI::App& command, const BenchArguments& options) {
  const bool is_custom =
      std::any_of(std::begin(sizes), std::end(sizes), [&](const char* size) { return command.count(size) > 0; });
  if (is_custom && !options.names.empty()) throw WrongUsage("name configurations, or give the sizes of one, not both");
  const auto& custom = std::get<TransformerConfig>(options.custom.model);
  if (is_custom && custom.d_model % custom.heads != 0)
    throw WrongUsage(fmt::format("--heads {} does not divide --d-model {}; each head takes an equal part", custom.heads,
                                 custom.d_model));
  if (is_custom) return {options.custom};
  if (options.names.empty()) return standard_bench_configs();
  std::vector<BenchConfig> configs;
  for (const std::string& name : options.names)
    configs.push_back(*std::find_if(standard_bench_configs().begin(), standard_bench_configs().end(),
                                    [&](const BenchConfig& config) { return config.name == name; }));
  return configs;
}

void run(const CLI::App& command, const BenchArguments& options) {
  const std::vector<BenchConfig> configs = configs_of(command, options);
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  if (!options.json)
    print("{:<10} {:>7} {:>11} {:>10} {:>12} {:>12} {:>9}\n", "config", "workers", "median ms", "least ms", "tokens/s",
          "parameters", "tape MB");
  for (const BenchConfig& config : configs) {
    BenchResult result;
    try {
      result = run_bench(config, options.workers, options.seconds);
    } catch (const std::invalid_argument& error) {
      throw WrongUsage(error.what());
    }
    if (options.json)
      json.push_back({{"config", result.config},
                      {"workers", result.workers},
                      {"median_ms", result.median_ms},
                      {"min_ms", result.min_ms},
                      {"tokens_per_second", result.tokens_per_second},
                      {"parameters", result.parameters}});
    else
      print("{:<10} {:>7} {:>11.3f} {:>10.3f} {:>12.0f} {:>12} {:>9.1f}\n", result.config, result.workers,
            result.median_ms, result.min_ms, result.tokens_per_second, result.parameters, result.tape_mb);
    std::fflush(stdout);
  }
  if (options.json) print_json(json, 2);
}

}  // namespace

void add_bench(CLI::App& app) {
  const auto options = std::make_shared<BenchArguments>();
  CLI::App* bench = app.add_subcommand("bench", "Time the training step");
  std::vector<std::string> names;
  for (const BenchConfig& config : standard_bench_configs()) names.push_back(config.name);
  bench->add_option("CONFIG", options->names, fmt::format("of: {} [all]", fmt::join(names, ", ")))
      ->check(CLI::IsMember(names));
  add_number(*bench, "--seconds", options->seconds, "how long to time each", Range{0.0, 86400.0});
  add_number(*bench, "--workers", options->workers, "threads that share each batch", worker_range);
  BenchConfig& custom = options->custom;
  auto& model = std::get<TransformerConfig>(custom.model);
  constexpr int most = 1'000'000;
  add_number(*bench, sizes[0], model.d_model, "a Transformer of these sizes: features", Range{1, most});
  add_number(*bench, sizes[1], model.heads, "attention heads", Range{1, most});
  add_number(*bench, sizes[2], model.layers, "layers on each side", Range{1, 1000});
  add_number(*bench, sizes[3], model.ff, "width inside the feed-forward networks", Range{1, most});
  add_number(*bench, sizes[4], custom.batch_size, "sentences", Range{1, most});
  add_number(*bench, sizes[5], custom.length, "words of source and target", Range{1, most});
  add_number(*bench, sizes[6], custom.vocabulary, "words of each vocabulary", Range{special_tokens + 1, most});
  bench->add_flag("--json", options->json, "print the times as JSON");
  bench->footer("Examples:\n  qkv bench toy small --seconds 3\n  qkv bench --d-model 32 --heads 2 --length 20");
  bench->callback([bench, options] { run(*bench, *options); });
}

}  // namespace qkv::cli
