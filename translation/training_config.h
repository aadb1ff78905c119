#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "qkv/datasets/tokeniser.h"
#include "qkv/train/optimiser_kind.h"
#include "qkv/train/schedule.h"
#include "qkv/translation/keep.h"
#include "qkv/translation/models.h"
#include "qkv/translation/setting.h"

namespace qkv {

/// Every setting of a training run: what `qkv train` takes as options and a run's config.json holds.
struct TrainingConfig {
  ModelConfig model = models().front();

  // the data
  std::string data;  ///< a folder with train.csv, valid.csv and test files; or the files by themselves:
  std::string train;
  std::string valid;
  std::string test;
  TokeniserKind tokenizer = TokeniserKind::word;
  int bpe_size = 4000;
  int min_frequency = 1;
  int max_length = 100;
  bool shuffle = true;

  // the training
  int batch_size = 64;
  int batch_words = 0;  ///< cuts batches by words instead, see WordsPerBatch; 0: by `batch_size` sentences
  int accumulate = 1;   ///< batches of a step
  int epochs = 16;
  std::optional<std::int64_t> steps;  ///< ends training after so many, instead of after `epochs`
  double lr = 2e-3;
  ScheduleKind schedule = ScheduleKind::cosine;
  std::int64_t warmup = 400;
  OptimiserKind optimizer = OptimiserKind::adam;
  AdamOptions adam{.beta1 = 0.9, .beta2 = 0.98};
  double clip = 1.0;
  double label_smoothing = 0.0;
  std::int64_t validate_every = 0;  ///< steps between validations; 0: once an epoch
  Keep keep = Keep::bleu;
  int patience = 0;  ///< validations without improvement before training ends; 0: never
  int workers = 2;
  std::uint64_t seed = 1;

  friend bool operator==(const TrainingConfig&, const TrainingConfig&) = default;
};

/// The settings that training begins with, for the model of this name. Throws std::invalid_argument if there is none.
TrainingConfig default_settings(const std::string& model);

/// Throws std::invalid_argument, naming the setting as `d_model`, if a setting is out of its range.
void check_settings(const TrainingConfig& config);

/// The model's configuration for vocabularies of these sizes, with positions for the longest training pair and for the
/// longest translation of its source, whatever they are.
ModelConfig model_for(const TrainingConfig& config, int source_vocabulary, int target_vocabulary);

/// The settings by their names, and the version of qkv that wrote them; those that only other models have as training
/// begins with them.
nlohmann::ordered_json to_json(const TrainingConfig& config);

/// The settings that a file holds, and the default for those that it does not name; `named` are those of the model that
/// it names, `unused` those that the model does not have though others do, and that are not as training begins with, as
/// a file of settings for another model holds them.
struct SettingsFile {
  TrainingConfig config;
  std::vector<std::string> named{};
  std::vector<std::string> unused{};
};

/// Reads what to_json wrote, or any part of it, for the model that it names or for the one of this name. Throws
/// std::runtime_error naming `path` and the setting, if one is unknown or has the wrong type or value.
SettingsFile read_settings(const nlohmann::json& json, const std::string& path,
                           const std::optional<std::string>& model = {});

/// config.json of a run, or a file for --config. Throws std::runtime_error naming the file and the place.
SettingsFile read_settings_file(const std::string& path, const std::optional<std::string>& model = {});

/// A setting that plays no part because of another one: beta2 because of "`optimizer` sgd".
struct IdleSetting {
  std::string name;
  std::string because_of;
};
std::vector<IdleSetting> idle_settings(const TrainingConfig& config);

/// The names of the models that have a setting of this name.
std::vector<std::string> models_with(const std::string& setting);

/// Calls visit(name, value, setting) for every setting of the data and the training; see translation/setting.h.
template <class Config, class Visit>
void for_each_training_setting(Config& config, Visit&& visit) {
  constexpr Range<std::int64_t> steps{0, 1'000'000'000'000};
  visit("data", config.data,
        Setting{"folder with train.csv and, if there are any, valid.csv, test.csv, long.csv and composition.csv"});
  visit("train", config.train, Setting{"CSV file to train on, instead of `data`"});
  visit("valid", config.valid, Setting{"CSV file to choose the best model on"});
  visit("test", config.test, Setting{"CSV file to test the best model on at the end"});
  visit("tokenizer", config.tokenizer,
        Setting{"what the model reads: words between spaces, characters, or pieces of words that are learnt"});
  visit("bpe_size", config.bpe_size, number("pieces learnt for each language, with `tokenizer` bpe", size_range));
  visit("min_frequency", config.min_frequency,
        number("tokens that occur less often in training become <unk>", size_range));
  visit("max_length", config.max_length,
        number("training pairs with more tokens on a side are left out", Range{1, 10'000}));
  visit("shuffle", config.shuffle, Setting{"take the training pairs in random order"});
  visit("batch_size", config.batch_size, number("sentences in a batch; fewer for a small training set", size_range));
  visit("batch_words", config.batch_words,
        number("words on the longer side of a batch, padding counted; 0 means `batch_size` sentences",
               Range{0, 1'000'000'000}));
  visit("accumulate", config.accumulate, number("batches whose gradients make one step", Range{1, 10'000}));
  visit("epochs", config.epochs,
        number("passes through the training data; more for a small one, to make 4000 steps", Range{1, 1'000'000'000}));
  visit("steps", config.steps, number("train for so many steps instead; 0 writes the initial model", steps));
  visit("lr", config.lr,
        number("learning rate: the highest that the schedule reaches; 0.05 with sgd", Range{0.0, 100.0, true, false}));
  visit("schedule", config.schedule, Setting{"how the learning rate goes on after the warm-up"});
  visit("warmup", config.warmup,
        number("steps in which the learning rate rises from 0; at most a tenth of all", steps));
  visit("optimizer", config.optimizer, Setting{"what moves the parameters along the gradient"});
  visit("beta1", config.adam.beta1,
        number("memory of the gradient: Adam's first beta, the momentum of sgd", share_range));
  visit("beta2", config.adam.beta2, number("memory of its square, of adam and adamw", share_range));
  visit("weight_decay", config.adam.weight_decay,
        number("adds this much of each parameter to its gradient; with adamw, takes lr times it off the parameter",
               share_range));
  visit("clip", config.clip,
        number("largest norm of the gradient; 0 means none", Range{0.0, std::numeric_limits<double>::max()}));
  visit("label_smoothing", config.label_smoothing, number("share of each target spread over all words", share_range));
  visit("validate_every", config.validate_every,
        number("steps between validations; 0 means once an epoch; 20 times in more than 20 epochs", steps));
  visit("keep", config.keep, Setting{"the score on the validation set that chooses the best model"});
  visit("patience", config.patience,
        number("validations without improvement before training ends; 0 means never", Range{0, 1'000'000}));
  visit("workers", config.workers, number("threads that share each batch", Range{1, 256}));
  visit("seed", config.seed,
        number("what every random choice follows from",
               Range<std::uint64_t>{0, std::numeric_limits<std::uint64_t>::max()}));
}

/// The same for every setting, the model's first, but which model it is.
template <class Config, class Visit>
void for_each_setting(Config& config, Visit&& visit) {
  std::visit([&](auto& model) { model.visit(model, visit); }, config.model);
  for_each_training_setting(config, visit);
}

/// The same once for every setting of any model, with the value that training begins with.
template <class Visit>
void for_each_setting_of_any_model(Visit&& visit) {
  std::vector<std::string> names;
  const auto visit_once = [&](const std::string& name, const auto& value, const auto& setting) {
    if (std::find(names.begin(), names.end(), name) != names.end()) return;
    names.push_back(name);
    visit(name, value, setting);
  };
  for (const ModelConfig& config : models())
    std::visit([&](const auto& model) { model.visit(model, visit_once); }, config);
  const TrainingConfig usual;
  for_each_training_setting(usual, visit_once);
}

}  // namespace qkv
