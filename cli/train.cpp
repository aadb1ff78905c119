#include "train/trainer.h"

#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <memory>

#include "cli/commands.h"
#include "cli/progress.h"
#include "cli/terminal.h"
#include "datasets/text.h"
#include "study/score_table.h"

namespace qkv::cli {

namespace {

std::atomic<bool> stop_requested{false};

/// The first Ctrl-C asks the trainer to stop; a second one ends the program at once.
extern "C" void request_stop(int signal) {
  stop_requested = true;
  std::signal(signal, SIG_DFL);
  constexpr std::string_view message =
      "\nStopping after this step; Ctrl-C again stops at once and loses the steps since the last checkpoint.\n";
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, message.data(), message.size());
}

/// To be stopped is from now on to write a checkpoint first, and a reader of the progress who goes away, as head does,
/// ends nothing.
void catch_signals() {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) std::signal(signal, request_stop);
  std::signal(SIGPIPE, SIG_IGN);
}

struct Options {
  TrainingConfig settings;
  bool no_shuffle = false;
  std::string config_file;
  std::string out;
  bool resume = false;
  bool overwrite = false;
  bool json = false;
};

/// Adds an option for one setting, of whatever type.
template <class Value>
CLI::Option* add_setting(CLI::App& command, const std::string& name, Value& value, const std::string& help) {
  const std::string option = "--" + name;
  if constexpr (std::is_enum_v<Value>) {
    const auto& names = choices<Value>();
    return command
        .add_option_function<std::string>(
            option,
            [&value, &names](const std::string& text) {
              value = static_cast<Value>(std::find(names.begin(), names.end(), text) - names.begin());
            },
            help)
        ->check(CLI::IsMember(names))
        ->type_name(fmt::format("{}", fmt::join(names, "|")))
        ->default_str(names[static_cast<std::size_t>(value)]);
  } else if constexpr (std::is_same_v<Value, bool>) {
    return command.add_flag(option, value, help);
  } else if constexpr (std::is_same_v<Value, std::optional<std::int64_t>>) {
    return command.add_option(option, value, help);
  } else if constexpr (std::is_same_v<Value, std::string>) {
    return command.add_option(option, value, help)->type_name(name == "data" ? "DIR" : "FILE");
  } else {
    CLI::Option* added = command.add_option(option, value, help)->capture_default_str();
    return std::is_unsigned_v<Value> ? added->check(not_negative) : added;
  }
}

/// Adds the options for all settings, in groups that each begin with one of them.
void add_settings(CLI::App& command, TrainingConfig& settings) {
  std::string group;
  for_each_setting(settings, [&](const std::string& name, auto& value, const char* help) {
    if (name == "model") group = "Model";
    if (name == "data") group = "Data";
    if (name == "batch-size") group = "Training";
    if (name != "shuffle") add_setting(command, name, value, help)->group(group);
  });
}

/// Copies to `settings` what was given on the command line.
void apply_given(const CLI::App& command, const Options& options, TrainingConfig& settings) {
  const nlohmann::ordered_json all = to_json(options.settings);
  nlohmann::json given = nlohmann::json::object();
  for_each_setting(options.settings, [&](const char* name, const auto&, const char*) {
    std::string key = name;
    std::replace(key.begin(), key.end(), '-', '_');
    if (key != "shuffle" && command.count(fmt::format("--{}", name)) > 0) given[key] = all[key];
  });
  if (options.no_shuffle) given["shuffle"] = false;
  read_settings(given, "command line", settings);
}

/// Names that may be given with --resume: how long to train and how to look on, not what is trained.
constexpr const char* resumable[] = {"data", "train", "valid", "test", "epochs", "steps", "validate-every", "patience"};

/// The model that the command line names, or else the file of --config, or else the default.
ModelKind model_of(const CLI::App& command, const Options& options) {
  if (command.count("--model") > 0) return options.settings.model;
  TrainingConfig of_file;
  if (!options.config_file.empty()) read_settings_file(options.config_file, of_file);
  return of_file.model;
}

/// Settings that came out of a file must be in range in it: what is wrong in a file is no wrong usage.
void check_file(const std::string& path, const TrainingConfig& settings) {
  try {
    check_settings(settings);
  } catch (const std::invalid_argument& error) {
    throw std::runtime_error(fmt::format("{}: {}", path, error.what()));
  }
}

bool is_in_range(const TrainingConfig& settings) {
  try {
    check_settings(settings);
    return true;
  } catch (const std::invalid_argument&) {
    return false;
  }
}

TrainingConfig settings_of(const CLI::App& command, const Options& options) {
  TrainingConfig settings = default_settings(model_of(command, options));
  if (options.resume) {
    if (!options.config_file.empty() || options.no_shuffle)
      throw WrongUsage(
          "--resume goes on with the run's own settings; --config and --no-shuffle cannot be given with it");
    for_each_setting(options.settings, [&](const char* name, const auto&, const char*) {
      const std::string given = name;
      if (given != "shuffle" && command.count(fmt::format("--{}", given)) > 0 &&
          std::find(std::begin(resumable), std::end(resumable), given) == std::end(resumable))
        throw WrongUsage(
            fmt::format("--resume goes on with the run's own settings; --{} cannot be given with it", given));
    });
    const RunFolder folder{options.out};
    if (!std::filesystem::exists(folder.checkpoint()))
      throw std::runtime_error(
          fmt::format("{} cannot be resumed: there is no {}; without --resume, training begins anew", options.out,
                      folder.checkpoint()));
    read_settings_file(folder.config(), settings);
    check_file(folder.config(), settings);
  } else if (!options.config_file.empty()) {
    read_settings_file(options.config_file, settings);
  }
  const TrainingConfig of_file = settings;
  const bool names_files = command.count("--train") + command.count("--valid") + command.count("--test") > 0;
  if (names_files && command.count("--data") == 0) settings.data.clear();
  if (command.count("--data") > 0 && !names_files) settings.train = settings.valid = settings.test = "";
  if (command.count("--epochs") > 0) settings.steps.reset();  // of the file; --steps, if given too, still counts
  apply_given(command, options, settings);
  if (!options.config_file.empty() && !is_in_range(settings)) check_file(options.config_file, of_file);
  return settings;
}

TrainingResult train(const TrainingConfig& settings, const Options& options) {
  const RunStart start = options.resume ? RunStart::resume : options.overwrite ? RunStart::overwrite : RunStart::anew;
  try {
    check_settings(settings);
    const TrainingData data = read_training_data(settings);
    catch_signals();
    Progress progress(isatty(STDERR_FILENO) == 1);
    return qkv::train(settings, data, {options.out}, start, progress.observer(), stop_requested);
  } catch (const std::invalid_argument& error) {
    throw WrongUsage(error.what());
  }
}

void run(const CLI::App& command, const Options& options) {
  const TrainingResult result = train(settings_of(command, options), options);
  if (result.interrupted)
    throw std::runtime_error(
        fmt::format("stopped after step {}; nothing is lost. To go on: qkv train --resume --out {}", result.steps,
                    as_typed(options.out)));
  if (options.json) {
    nlohmann::ordered_json json = nlohmann::ordered_json::object();
    for (const auto& [name, evaluation] : result.tests) json[name] = to_json(evaluation);
    fmt::print("{}\n", json.dump(2));
    return;
  }
  const auto alignment = load_run(options.out).alignment;
  for (const auto& [name, evaluation] : result.tests) fmt::print("{}\n", score_table(name, evaluation, alignment));
  fmt::print("The model is in {0}. To translate with it: qkv translate {0}\n", as_typed(options.out));
}

}  // namespace

void add_train(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  CLI::App* train = app.add_subcommand("train", "Train a model and write its run folder");
  train->add_option("--out", options->out, "the run folder to write")->required()->type_name("RUN");
  train->add_option("--config", options->config_file, "settings from a JSON file, such as a run's config.json")
      ->type_name("FILE");
  train->add_flag("--resume", options->resume, "go on with the run in --out, bit for bit");
  train->add_flag("--overwrite", options->overwrite, "start anew where a run is already")->excludes("--resume");
  train->add_flag("--json", options->json, "print the scores on the test sets as JSON");
  add_settings(*train, options->settings);
  train->add_flag("--no-shuffle", options->no_shuffle, "take the training pairs in file order")->group("Data");
  train->footer(
      "Examples:\n"
      "  qkv train --data data/korean-english --out runs/transformer\n"
      "  qkv train --train my.csv --model rnn-attention --out runs/mine\n"
      "  qkv train --resume --out runs/transformer --epochs 30");
  train->callback([train, options] { run(*train, *options); });
}

}  // namespace qkv::cli
