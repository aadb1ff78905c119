#include <csignal>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/started_ranks.h"
#include "cli/stop_signals.h"
#include "cli/terminal.h"
#include "cli/training_files.h"
#include "qkv/datasets/visible_text.h"
#include "qkv/study/bars.h"
#include "qkv/study/loss_gap.h"
#include "qkv/study/score_table.h"
#include "qkv/translation/fit_to_data.h"
#include "qkv/translation/run_tokenisers.h"
#include "qkv/translation/saved_model.h"
#include "qkv/translation/trainer.h"

namespace qkv::cli {
namespace {

struct TrainArguments {
  std::string model = name_of(models().front());
  /// For each setting that is an option, what puts the option's value into a configuration.
  std::map<std::string, std::function<void(TrainingConfig&)>> put;
  bool no_shuffle = false;
  std::string config_file;
  std::string out;
  bool resume = false;
  bool overwrite = false;
  bool json = false;
  bool warns = true;  ///< unless another process gives the same warnings
};

/// Puts a value into the setting of this name, if the configuration has it.
template <class Value>
void put_value(TrainingConfig& config, const std::string& name, const Value& value) {
  for_each_setting(config, [&](const std::string& same, auto& setting, const Setting&) {
    if constexpr (std::is_same_v<std::decay_t<decltype(setting)>, Value>)
      if (same == name) setting = value;
  });
}

/// Adds an option for one setting, of whatever type, that writes to `value`.
template <class Value, class About>
CLI::Option* add_setting(CLI::App& command, const std::string& name, Value& value, const About& setting) {
  const std::string option = option_of(name), help = with_options(setting.help);
  if constexpr (std::is_enum_v<Value>) {
    return add_choice(command, option, value, help);
  } else if constexpr (std::is_same_v<Value, bool>) {
    return command.add_flag(option, value, help);
  } else if constexpr (std::is_same_v<Value, std::string>) {
    return add_path(command, option, value, help, name == "data" ? "DIR" : "FILE");
  } else {
    return add_number(command, option, value, help, setting.range);
  }
}

/// The heading in --help of a setting that only these models have.
std::string group_of(const std::vector<std::string>& of_models) {
  return fmt::format("Only for --model {}", fmt::join(of_models, " and --model "));
}

/// Behind a setting's help: the models that begin with another number than `usual`.
template <class Value>
std::string other_defaults(const std::string& name, const Value& usual) {
  std::map<Value, std::vector<std::string>> models_by_default;
  for (const ModelConfig& model : models()) {
    const TrainingConfig settings = default_settings(name_of(model));
    for_each_setting(settings, [&](const std::string& same, const auto& value, const Setting&) {
      if constexpr (std::is_same_v<std::decay_t<decltype(value)>, Value>)
        if (same == name && value != usual) models_by_default[value].push_back(name_of(model));
    });
  }
  std::string others;
  for (const auto& [value, names] : models_by_default)
    others += fmt::format("; {} for {}", value, fmt::join(names, " and "));
  return others;
}

/// Adds the options for all settings in groups: those that only some models have by these models, the others as they
/// follow each other.
void add_settings(CLI::App& command, const std::shared_ptr<TrainArguments>& options) {
  std::vector<std::string> names;
  for (const ModelConfig& model : models()) names.push_back(name_of(model));
  add_choice(command, "--model", names, "which model to train",
             [options](const std::string& chosen) { options->model = chosen; })
      ->default_str(options->model)
      ->group("Model");
  std::string group = "Model";
  for_each_setting_of_any_model([&](const std::string& name, const auto& value, const auto& setting) {
    if (name == "data") group = "Data";
    if (name == "batch_size") group = "Training";
    if (name == "shuffle") return;  // --no-shuffle
    const auto given = std::make_shared<std::decay_t<decltype(value)>>(value);
    const std::vector<std::string> of_models = models_with(name);
    CLI::Option* option = add_setting(command, name, *given, setting);
    option->group(of_models.size() == models().size() ? group : group_of(of_models));
    if constexpr (std::is_arithmetic_v<std::decay_t<decltype(value)>>)
      option->description(option->get_description() + other_defaults(name, value));
    options->put[name] = [name, given](TrainingConfig& config) { put_value(config, name, *given); };
  });
}

/// Whether a setting was given as an option.
bool is_given(const CLI::App& command, const std::string& setting) { return command.count(option_of(setting)) > 0; }

/// Puts into `settings` what was given on the command line.
void put_given(const CLI::App& command, const TrainArguments& options, TrainingConfig& settings) {
  for (const auto& [name, put] : options.put)
    if (is_given(command, name)) put(settings);
  if (options.no_shuffle) settings.shuffle = false;
}

/// Settings that may be given with --resume: how long to train and how to look on, not what is trained.
constexpr const char* resumable[] = {"data",  "train",          "valid", "test",    "epochs",
                                     "steps", "validate_every", "keep",  "patience"};

/// TrainArguments for another model are refused by name. A file may be written for another model; what of it plays no
/// part is told.
void report_unused(const CLI::App& command, const TrainArguments& options, const std::string& model,
                   const std::vector<std::string>& unused_of_file) {
  for (const auto& [name, put] : options.put) {
    if (!is_given(command, name)) continue;
    const std::vector<std::string> of_models = models_with(name);
    if (std::find(of_models.begin(), of_models.end(), model) == of_models.end())
      throw WrongUsage(fmt::format("{} is not used by the model {}; it is a setting of {} (see qkv train --help)",
                                   option_of(name), model, fmt::join(of_models, " and ")));
  }
  if (!unused_of_file.empty() && options.warns)
    tell(fmt::format("qkv: warning: {}: the model {} does not use: {}\n", visible(options.config_file), model,
                     fmt::join(unused_of_file, ", ")));
}

/// The same for settings that play no part because of another one. `settings`: with the options put in.
void report_idle(const CLI::App& command, const TrainArguments& options, const TrainingConfig& settings) {
  const auto json = to_json(settings), usual = to_json(default_settings(name_of(settings.model)));
  for (const auto& [idle, because_of] : idle_settings(settings)) {
    if (is_given(command, idle))
      throw WrongUsage(
          fmt::format("{} plays no part with {}; leave it out (see qkv train --help)", option_of(idle), because_of));
    if (options.resume || json[idle] == usual[idle] || !options.warns) continue;
    tell(fmt::format("qkv: warning: {}: {} plays no part with {}\n", visible(options.config_file), idle,
                     with_options(because_of)));
  }
}

/// Settings that are out of range are wrong usage if the options by themselves are, and else a bad file.
void check_origin(const CLI::App& command, const TrainArguments& options, const TrainingConfig& settings) {
  const std::string file = options.resume ? RunFolder{options.out}.config() : options.config_file;
  try {
    check_settings(settings);
  } catch (const std::invalid_argument& error) {
    TrainingConfig of_options = default_settings(name_of(settings.model));
    put_given(command, options, of_options);
    try {
      check_settings(of_options);
    } catch (const std::invalid_argument&) {
      throw WrongUsage(error.what());
    }
    throw std::runtime_error(fmt::format("{}: {}", file, error.what()));
  }
}

/// --resume goes on with the run's own settings.
void check_resumable(const CLI::App& command, const TrainArguments& options) {
  if (!options.config_file.empty() || options.no_shuffle)
    throw WrongUsage("--resume goes on with the run's own settings; --config and --no-shuffle cannot be given with it");
  const auto refuse = [](const std::string& setting) {
    throw WrongUsage(
        fmt::format("--resume goes on with the run's own settings; {} cannot be given with it", option_of(setting)));
  };
  if (is_given(command, "model")) refuse("model");
  for (const auto& [name, put] : options.put)
    if (is_given(command, name) && std::find(std::begin(resumable), std::end(resumable), name) == std::end(resumable))
      refuse(name);
  RunFolder{options.out}.check_resumable();
}

/// The settings of the run that goes on, or of the file of --config, or those that training begins with.
SettingsFile settings_before_options(const CLI::App& command, const TrainArguments& options) {
  if (options.resume) return read_settings_file(RunFolder{options.out}.config());
  if (options.config_file.empty()) return {.config = default_settings(options.model)};
  const bool names_model = is_given(command, "model");
  return read_settings_file(options.config_file, names_model ? std::optional(options.model) : std::nullopt);
}

/// The settings, and the names of those that were given, by a file or as options.
SettingsFile settings_of(const CLI::App& command, const TrainArguments& options) {
  if (options.resume) check_resumable(command, options);
  SettingsFile file = settings_before_options(command, options);
  TrainingConfig& settings = file.config;
  const bool names_files = is_given(command, "train") || is_given(command, "valid") || is_given(command, "test");
  if (names_files && !is_given(command, "data")) settings.data.clear();
  if (is_given(command, "data") && !names_files) settings.train = settings.valid = settings.test = "";
  if (is_given(command, "epochs")) settings.steps.reset();  // of the file; --steps, if given too, still counts
  put_given(command, options, settings);
  report_unused(command, options, name_of(settings.model), options.resume ? std::vector<std::string>{} : file.unused);
  check_origin(command, options, settings);
  report_idle(command, options, settings);
  for (const auto& [name, put] : options.put)
    if (is_given(command, name)) file.named.push_back(name);
  return file;
}

/// The settings and the data that they name, as tokens.
struct Prepared {
  TrainingConfig settings;
  Tokenisers tokenisers;
  TrainingData data;
};

Prepared prepared(const CLI::App& command, const TrainArguments& options) {
  SettingsFile given = settings_of(command, options);
  try {
    TrainingData data = read_training_files(given.config);
    Tokenisers tokenisers =
        options.resume ? load_tokenisers({options.out}, given.config) : tokenisers_for(given.config, data.train);
    data = tokenised(std::move(data), tokenisers);
    if (!options.resume) fit_to_data(given.config, given.named, data.train);
    return {std::move(given.config), std::move(tokenisers), std::move(data)};
  } catch (const std::invalid_argument& error) {
    throw WrongUsage(error.what());
  }
}

/// What shows how training goes on; `losses` gets that of each step.
TrainingObserver observer_of(Progress& progress, std::vector<double>& losses) {
  TrainingObserver observer = progress.observer();
  observer.on_step = [&losses, show = observer.on_step](const TrainingObserver::Step& step) {
    losses.push_back(step.loss);
    show(step);
  };
  return observer;
}

/// `losses` gets that of each step.
TrainingResult train(const CLI::App& command, const TrainArguments& options, Ranks& ranks,
                     std::vector<double>& losses) {
  std::optional<Prepared> ready;
  ranks.together([&] { ready.emplace(prepared(command, options)); });
  const RunStart start = options.resume ? RunStart::resume : options.overwrite ? RunStart::overwrite : RunStart::anew;
  std::signal(SIGPIPE, SIG_IGN);  // a reader of the progress who goes away, as head does, ends nothing
  const StopFlag& stop = stop_on_signals(ranks.size() == 1);  // mpirun says itself what it does
  Progress progress(draws_on(STDERR_FILENO));
  try {
    return qkv::train(ready->settings, ready->data, ready->tokenisers, {options.out}, start,
                      ranks.is_first() ? observer_of(progress, losses) : TrainingObserver{}, stop, ranks);
  } catch (const std::invalid_argument& error) {
    throw WrongUsage(error.what());
  }
}

/// What the processes beside the first do: they say nothing, unless it is they who failed.
void train_along(const CLI::App& command, const TrainArguments& options, Ranks& ranks) {
  std::vector<double> losses;
  try {
    if (!train(command, options, ranks, losses).interrupted) return;
  } catch (const RankLost&) {
  } catch (const std::exception& error) {
    throw std::runtime_error(fmt::format("process {} of {}: {}", ranks.rank(), ranks.size(), error.what()));
  }
  throw CLI::RuntimeError(1);
}

/// What the first process, or the only one, does.
TrainingResult train_first(const CLI::App& command, const TrainArguments& options, Ranks& ranks,
                           std::vector<double>& losses) {
  try {
    return train(command, options, ranks, losses);
  } catch (const RankLost& error) {
    if (RunFolder{options.out}.state() != RunFolder::State::resumable) throw;
    throw std::runtime_error(
        fmt::format("{}. To go on, with as many processes as you like: qkv train --resume --out {}", error.what(),
                    as_typed(options.out)));
  }
}

void run(const CLI::App& command, TrainArguments& options) {
  const std::unique_ptr<Ranks> ranks = started_ranks();
  options.warns = ranks->is_first();
  if (!ranks->is_first()) return train_along(command, options, *ranks);
  std::vector<double> losses;
  const TrainingResult result = train_first(command, options, *ranks, losses);
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
  for (const auto& [name, evaluation] : result.tests)
    print("{}\n", score_table(name, evaluation, alignment, has_plain_text()));
  if (result.losses) print_lines(with_options(loss_gap(*result.losses)));
  if (!losses.empty())
    print("loss of the steps, from the first of this training to the last\n{}\n",
          loss_curve(losses, 10, has_plain_text()));
  print("The model is in {0}. To translate with it: qkv translate {0}\n", as_typed(options.out));
}

}  // namespace

void add_train(CLI::App& app) {
  const auto options = std::make_shared<TrainArguments>();
  CLI::App* train = app.add_subcommand("train", "Train a model and write its run folder");
  add_path(*train, "--out", options->out, "the run folder to write", "RUN")->required();
  add_path(*train, "--config", options->config_file, "settings from a JSON file, such as a run's config.json", "FILE");
  train->add_flag("--resume", options->resume, "go on with the run in --out, bit for bit");
  train->add_flag("--overwrite", options->overwrite, "start anew where a run is already")->excludes("--resume");
  train->add_flag("--json", options->json, "print the scores on the test sets as JSON");
  add_settings(*train, options);
  train->add_flag("--no-shuffle", options->no_shuffle, "take the training pairs in file order")->group("Data");
  train->footer(
      "Examples:\n"
      "  qkv train --data data/korean-english --out runs/transformer\n"
      "  qkv train --train my.csv --model rnn-attention --out runs/mine\n"
      "  qkv train --resume --out runs/transformer --epochs 30\n"
      "A file of pairs is CSV, in UTF-8, with a header. Spaces separate words, here\n"
      "letters to be reversed:\n"
      "  source,target\n"
      "  a b c,c b a\n"
      "  d e,e d\n"
      "With --resume, --epochs or --steps say how long the training is in all, and the\n"
      "learning rate's schedule is stretched to that.");
  train->callback([train, options] { run(*train, *options); });
}

}  // namespace qkv::cli
