#include <csignal>
#include <fmt/format.h>
#include <memory>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/stop_signals.h"
#include "cli/terminal.h"
#include "qkv/datasets/visible_text.h"
#include "qkv/study/score_table.h"
#include "qkv/translation/saved_model.h"
#include "qkv/translation/trainer.h"

namespace qkv::cli {

namespace {

struct Options {
  TrainingConfig settings;
  bool no_shuffle = false;
  std::string config_file;
  std::string out;
  bool resume = false;
  bool overwrite = false;
  bool json = false;
};

/// The heading in --help of the settings that these models use.
std::string group_of(UsedBy used_by, const std::string& of_every_model) {
  switch (used_by) {
    case UsedBy::every_model:
      return of_every_model;
    case UsedBy::transformer:
      return "Transformer (--model transformer)";
    case UsedBy::rnn_models:
      return "RNN models (--model rnn, --model rnn-attention)";
    case UsedBy::rnn_attention:
      return "RNN with attention (--model rnn-attention)";
  }
  return "";
}

/// Adds an option for one setting, of whatever type.
template <class Value, class About>
CLI::Option* add_setting(CLI::App& command, const std::string& name, Value& value, const About& setting) {
  const std::string option = "--" + name;
  if constexpr (std::is_enum_v<Value>) {
    const auto& names = choices<Value>();
    return add_choice(command, option, names, setting.help,
                      [&value](std::size_t chosen) { value = static_cast<Value>(chosen); })
        ->default_str(names[static_cast<std::size_t>(value)]);
  } else if constexpr (std::is_same_v<Value, bool>) {
    return command.add_flag(option, value, setting.help);
  } else if constexpr (std::is_same_v<Value, std::string>) {
    return add_path(command, option, value, setting.help, name == "data" ? "DIR" : "FILE");
  } else {
    return add_number(command, option, value, setting.help, setting.range);
  }
}

/// Adds the options for all settings in groups: those that only some models use by these models, the others as they
/// follow each other.
void add_settings(CLI::App& command, TrainingConfig& settings) {
  std::string group;
  for_each_setting(settings, [&](const std::string& name, auto& value, const auto& setting) {
    if (name == "model") group = "Model";
    if (name == "data") group = "Data";
    if (name == "batch-size") group = "Training";
    if (name != "shuffle") add_setting(command, name, value, setting)->group(group_of(setting.used_by, group));
  });
}

/// Calls visit(name, setting) for every setting that was given as an option of its name.
template <class Visit>
void for_each_given(const CLI::App& command, const Options& options, Visit visit) {
  for_each_setting(options.settings, [&](const std::string& name, const auto&, const Setting& setting) {
    if (name != "shuffle" && command.count("--" + name) > 0) visit(name, setting);
  });
}

/// Copies to `settings` what was given on the command line.
void apply_given(const CLI::App& command, const Options& options, TrainingConfig& settings) {
  const nlohmann::ordered_json all = to_json(options.settings);
  nlohmann::json given = nlohmann::json::object();
  for_each_given(command, options, [&](std::string key, const Setting&) {
    std::replace(key.begin(), key.end(), '-', '_');
    given[key] = all[key];
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

/// Options for another model are refused by name. A file may be written for more than one model, as every config.json
/// is; what of it plays no part is told.
void report_unused(const CLI::App& command, const Options& options, const TrainingConfig& settings) {
  const std::string& model = choices<ModelKind>()[static_cast<std::size_t>(settings.model)];
  for_each_given(command, options, [&](const std::string& given, const Setting& setting) {
    if (!uses(settings.model, setting.used_by))
      throw WrongUsage(fmt::format("--{} is not used by the model {}; it is a setting of {} (see qkv train --help)",
                                   given, model, models_with(setting.used_by)));
  });
  const std::vector<std::string> idle = idle_settings(settings);
  if (!options.config_file.empty() && !idle.empty())
    tell(fmt::format("qkv: warning: {}: the model {} does not use: {}\n", visible(options.config_file), model,
                     fmt::join(idle, ", ")));
}

/// Settings that are out of range are wrong usage if the options by themselves are, and else a bad file.
void check_origin(const CLI::App& command, const Options& options, const TrainingConfig& settings) {
  const std::string file = options.resume ? RunFolder{options.out}.config() : options.config_file;
  try {
    check_settings(settings);
  } catch (const std::invalid_argument& error) {
    TrainingConfig of_options = default_settings(settings.model);
    apply_given(command, options, of_options);
    try {
      check_settings(of_options);
    } catch (const std::invalid_argument&) {
      throw WrongUsage(error.what());
    }
    throw std::runtime_error(fmt::format("{}: {}", file, error.what()));
  }
}

TrainingConfig settings_of(const CLI::App& command, const Options& options) {
  TrainingConfig settings = default_settings(model_of(command, options));
  if (options.resume) {
    if (!options.config_file.empty() || options.no_shuffle)
      throw WrongUsage(
          "--resume goes on with the run's own settings; --config and --no-shuffle cannot be given with it");
    for_each_given(command, options, [&](const std::string& given, const Setting&) {
      if (std::find(std::begin(resumable), std::end(resumable), given) == std::end(resumable))
        throw WrongUsage(
            fmt::format("--resume goes on with the run's own settings; --{} cannot be given with it", given));
    });
    const RunFolder folder{options.out};
    folder.check_resumable();
    read_settings_file(folder.config(), settings);
  } else if (!options.config_file.empty()) {
    read_settings_file(options.config_file, settings);
  }
  const bool names_files = command.count("--train") + command.count("--valid") + command.count("--test") > 0;
  if (names_files && command.count("--data") == 0) settings.data.clear();
  if (command.count("--data") > 0 && !names_files) settings.train = settings.valid = settings.test = "";
  if (command.count("--epochs") > 0) settings.steps.reset();  // of the file; --steps, if given too, still counts
  apply_given(command, options, settings);
  report_unused(command, options, settings);
  check_origin(command, options, settings);
  return settings;
}

TrainingResult train(const TrainingConfig& settings, const Options& options) {
  const RunStart start = options.resume ? RunStart::resume : options.overwrite ? RunStart::overwrite : RunStart::anew;
  try {
    const TrainingData data = read_training_data(settings);
    std::signal(SIGPIPE, SIG_IGN);  // a reader of the progress who goes away, as head does, ends nothing
    const StopFlag& stop = stop_on_signals();
    Progress progress(isatty(STDERR_FILENO) == 1);
    return qkv::train(settings, data, {options.out}, start, progress.observer(), stop);
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
    print_json(json, 2);
    return;
  }
  const auto alignment = load_run(options.out).alignment;
  for (const auto& [name, evaluation] : result.tests) print("{}\n", score_table(name, evaluation, alignment));
  print("The model is in {0}. To translate with it: qkv translate {0}\n", as_typed(options.out));
}

}  // namespace

void add_train(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  CLI::App* train = app.add_subcommand("train", "Train a model and write its run folder");
  add_path(*train, "--out", options->out, "the run folder to write", "RUN")->required();
  add_path(*train, "--config", options->config_file, "settings from a JSON file, such as a run's config.json", "FILE");
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
