#pragma once

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "qkv/train/adam.h"
#include "qkv/train/schedule.h"
#include "qkv/translation/range.h"
#include "qkv/translation/rnn_seq2seq.h"
#include "qkv/translation/transformer.h"

namespace qkv {

enum class ModelKind { transformer, rnn, rnn_attention };

/// Every setting of a training run: what `qkv train` takes as options and a run's config.json holds.
struct TrainingConfig {
  // the model
  ModelKind model = ModelKind::transformer;
  int d_model = 64;
  int heads = 4;
  int layers = 2;
  int ff = 256;
  double dropout = 0.1;
  NormOrder norm = NormOrder::post;
  Activation activation = Activation::relu;
  Positions positions = Positions::sinusoidal;
  bool tie_embeddings = false;
  int embedding = 64;
  int hidden = 128;
  CellKind cell = CellKind::gru;
  Score score = Score::dot;

  // the data
  std::string data;  ///< a folder with train.csv, valid.csv and test files; or the files by themselves:
  std::string train;
  std::string valid;
  std::string test;
  int min_frequency = 1;
  int max_length = 100;
  bool shuffle = true;

  // the training
  int batch_size = 64;
  int epochs = 16;
  std::optional<std::int64_t> steps;  ///< ends training after so many, instead of after `epochs`
  double lr = 2e-3;
  ScheduleKind schedule = ScheduleKind::cosine;
  std::int64_t warmup = 400;
  AdamOptions adam{.beta1 = 0.9, .beta2 = 0.98};
  double clip = 1.0;
  double label_smoothing = 0.0;
  std::int64_t validate_every = 0;  ///< steps between validations; 0: once an epoch
  int patience = 0;                 ///< validations without improvement before training ends; 0: never
  int workers = 2;
  std::uint64_t seed = 1;

  friend bool operator==(const TrainingConfig&, const TrainingConfig&) = default;
};

/// The settings that training begins with: the defaults above, and for the RNN models, which learn slowly with a
/// Transformer's, a higher learning rate and no dropout.
TrainingConfig default_settings(ModelKind model);

/// The models that use a setting. What a model does not use plays no part in its training and is not checked.
enum class UsedBy { every_model, transformer, rnn_models, rnn_attention };
bool uses(ModelKind model, UsedBy used_by);

/// Their names: "rnn and rnn-attention".
std::string models_with(UsedBy used_by);

/// Throws std::invalid_argument, naming the setting as `d_model`, if a setting that the model uses is out of its range.
void check_settings(const TrainingConfig& config);

/// The names of the settings that are not as default_settings makes them though the model does not use them, as a file
/// of settings for another model has them: they change nothing.
std::vector<std::string> idle_settings(const TrainingConfig& config);

/// The settings by their names, which are the options' with underscores, and the version of qkv that wrote them.
nlohmann::ordered_json to_json(const TrainingConfig& config);

/// Reads what to_json wrote, or any part of it: settings that are not named keep the value they have. Throws
/// std::runtime_error naming `path` and the setting, if one is unknown or has the wrong type or value.
void read_settings(const nlohmann::json& json, const std::string& path, TrainingConfig& config);

/// config.json of a run, or a file for --config. Throws std::runtime_error naming the file and the place.
void read_settings_file(const std::string& path, TrainingConfig& config);

/// The names of the values that a setting can take, in the order of its type's values.
template <class Choice>
const std::vector<std::string>& choices();

/// What there is to know of a setting besides its name and value; of a number, its range too.
struct Setting {
  const char* help;
  UsedBy used_by = UsedBy::every_model;
};
template <class Number>
struct NumberSetting : Setting {
  Range<Number> range;
};

/// Calls visit(name, value, setting) for every setting, in the order above: the one list that options, files, checks
/// and their documentation come from. Names are spelt as options, without the dashes in front; `setting` is a
/// NumberSetting where the value is a number and a Setting elsewhere.
template <class Config, class Visit>
void for_each_setting(Config& config, Visit&& visit) {
  using enum UsedBy;
  const auto number = [&]<class Number>(const char* name, auto& value, const char* help, Range<Number> range,
                                        UsedBy used_by = every_model) {
    visit(name, value, NumberSetting<Number>{{help, used_by}, range});
  };
  const auto other = [&](const char* name, auto& value, const char* help, UsedBy used_by = every_model) {
    visit(name, value, Setting{help, used_by});
  };
  constexpr int most = 1'000'000;
  constexpr Range sizes{1, most};
  constexpr Range share{0.0, 1.0, false, true};
  constexpr Range<std::int64_t> steps{0, 1'000'000'000'000};
  other("model", config.model, "which model to train");
  number("d-model", config.d_model, "features of each word inside the Transformer", sizes, transformer);
  number("heads", config.heads, "attention heads; they share the features", sizes, transformer);
  number("layers", config.layers, "layers of the encoder, and of the decoder", Range{1, 1000}, transformer);
  number("ff", config.ff, "width inside the feed-forward networks", sizes, transformer);
  number("dropout", config.dropout, "probability of dropping a feature while training; 0 for an RNN model", share);
  other("norm", config.norm, "layer norm after each residual sum (post) or before each sublayer (pre)", transformer);
  other("activation", config.activation, "between the two layers of a feed-forward network", transformer);
  other("positions", config.positions, "how words are told where they stand", transformer);
  other("tie-embeddings", config.tie_embeddings, "let the generator use the target embedding's weight", transformer);
  number("embedding", config.embedding, "features of each word in an RNN model", sizes, rnn_models);
  number("hidden", config.hidden, "features of an RNN's state", sizes, rnn_models);
  other("cell", config.cell, "the RNN's cell", rnn_models);
  other("score", config.score, "how an RNN's attention scores encoder states", rnn_attention);
  other("data", config.data,
        "folder with train.csv and, if there are any, valid.csv, test.csv, long.csv and composition.csv");
  other("train", config.train, "CSV file to train on, instead of --data");
  other("valid", config.valid, "CSV file to choose the best model on");
  other("test", config.test, "CSV file to test the best model on at the end");
  number("min-frequency", config.min_frequency, "words that occur less often in training become <unk>", sizes);
  number("max-length", config.max_length, "training pairs with more words on a side are left out", Range{1, 10'000});
  other("shuffle", config.shuffle, "take the training pairs in random order");
  number("batch-size", config.batch_size, "sentences in a batch", sizes);
  number("epochs", config.epochs, "passes through the training data", Range{1, 1'000'000'000});
  number("steps", config.steps, "train for so many steps instead; 0 writes the initial model", steps);
  number("lr", config.lr, "learning rate: the highest that the schedule reaches; 0.003 for an RNN model",
         Range{0.0, 100.0, true, false});
  other("schedule", config.schedule, "how the learning rate goes on after the warm-up");
  number("warmup", config.warmup, "steps in which the learning rate rises from 0", steps);
  number("beta1", config.adam.beta1, "Adam's memory of the gradient", share);
  number("beta2", config.adam.beta2, "Adam's memory of its square", share);
  number("weight-decay", config.adam.weight_decay, "adds this much of each parameter to its gradient", share);
  number("clip", config.clip, "largest norm of the gradient; 0 means none",
         Range{0.0, std::numeric_limits<double>::max()});
  number("label-smoothing", config.label_smoothing, "share of each target spread over all words", share);
  number("validate-every", config.validate_every, "steps between validations; 0 means once an epoch", steps);
  number("patience", config.patience, "validations without improvement before training ends; 0 means never",
         Range{0, most});
  number("workers", config.workers, "threads that share each batch", Range{1, 256});
  number("seed", config.seed, "what every random choice follows from",
         Range<std::uint64_t>{0, std::numeric_limits<std::uint64_t>::max()});
}

}  // namespace qkv
