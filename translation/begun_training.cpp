#include "qkv/translation/begun_training.h"

#include <nlohmann/json.hpp>

#include "qkv/files/durable_file.h"
#include "qkv/translation/run_tokenisers.h"
#include "qkv/translation/training_memory.h"
#include "qkv/translation/training_pairs.h"
#include "qkv/translation/unknown_targets.h"

namespace qkv {
namespace {

using Tell = std::function<void(const std::string&)>;

Vocabulary vocabulary_for(const TrainingConfig& config, const TrainingData& data, const std::string& file,
                          std::vector<std::string> Pair::*side, RunStart start) {
  return start == RunStart::resume ? Vocabulary::load(file) : Vocabulary(data.train, side, config.min_frequency);
}

/// A checkpoint's header says whether the settings beside it are its own, before they take memory.
std::unique_ptr<Seq2Seq<float>> model_for(const TrainingConfig& config, const RunFolder& folder, RunStart start,
                                          int source_vocabulary, int target_vocabulary) {
  if (start == RunStart::resume) {
    auto model = make_model_of_file(SafetensorsFile::read(folder.checkpoint()), folder.config(), config,
                                    source_vocabulary, target_vocabulary);
    check_memory(config, source_vocabulary, target_vocabulary);
    return model;
  }
  check_memory(config, source_vocabulary, target_vocabulary);
  return make_model<float>(model_for(config, source_vocabulary, target_vocabulary));
}

EncodedPairs pairs_for(const TrainingConfig& config, const TrainingData& data, const BegunTraining& begun,
                       const Tokenisers& tokenisers, const RunFolder& folder, RunStart start, const Tell& tell) {
  try {
    return training_pairs(data.train, begun.source, begun.target, config, name_of_token(*tokenisers.source), tell);
  } catch (const std::invalid_argument& error) {
    if (start != RunStart::resume) throw;
    throw std::runtime_error(fmt::format("{}: {}", folder.config(), error.what()));
  }
}

/// What was trained before must be of this data, and its best model is told from others by the scores that it has.
void load_state(BegunTraining& begun, const TrainingConfig& config, const TrainingData& data, const RunFolder& folder,
                const Tell& tell) {
  TrainingState& state = begun.state;
  state = load_checkpoint(folder.checkpoint(), *begun.model, begun.steps.optimiser());
  if (state.data_hash != hash_of(data.train))
    throw std::runtime_error(
        fmt::format("{} was trained on other sentences than are in the training file now; resuming would mix the two",
                    folder.path.string()));
  if (!begun.steps.end_at(state.position))
    throw std::runtime_error(fmt::format(
        "{}: after {} steps in batches of {}, training does not stand at batch {} of epoch {}", folder.checkpoint(),
        begun.steps.made(), described_batches(config), state.position.batch, state.position.epoch));
  if (state.valid_hash && *state.valid_hash != hash_of(data.valid)) {
    tell(data.valid.empty() ? "there is no validation set any more, so from now on the last model is kept"
                            : "the validation set is not the one from before, so its best model is chosen anew");
    state.best.forget();
    state.validation_is_due = true;
  }
  if (state.best.keep == config.keep) return;
  if (state.best.is_known())
    tell(
        fmt::format("from now on the best model is the one of the best {}; the one so far has a loss "
                    "of {:.4f} and BLEU {:.1f}",
                    config.keep == Keep::loss ? "loss" : "BLEU", state.best.loss, state.best.bleu));
  state.best.keep_by(config.keep);
}

/// The settings to write. A length that was reached before is none to go on to: the planned one stays.
TrainingConfig written(const BegunTraining& begun, TrainingConfig config, const RunFolder& folder, RunStart start) {
  if (start != RunStart::resume || begun.steps.made() < begun.total_steps) return config;
  const TrainingConfig before = read_settings_file(folder.config()).config;
  config.steps = before.steps;
  config.epochs = before.epochs;
  return config;
}

/// Makes the folder of a new run, or makes ready that of one which goes on, and writes what stays as it is.
void make_ready(BegunTraining& begun, const TrainingConfig& config, const TrainingData& data,
                const Tokenisers& tokenisers, const RunFolder& folder, RunStart start, const Tell& tell) {
  if (start == RunStart::resume)
    folder.remove_temporaries();
  else
    begun.lock.emplace(folder.create(start == RunStart::overwrite));
  if (begun.lock->why_not_held())
    tell(fmt::format("{} cannot be locked ({}); make sure that no other process trains into it", folder.path.string(),
                     *begun.lock->why_not_held()));
  write_durably(folder.config(), to_json(written(begun, config, folder, start)).dump(2) + "\n");
  if (start == RunStart::resume) return;
  save_tokenisers(folder, tokenisers);
  begun.source.save(folder.source_vocabulary());
  begun.target.save(folder.target_vocabulary());
  if (const auto note = note_on_unknown_targets(data.valid, begun.target, *tokenisers.target)) tell(*note);
  if (config.optimizer == OptimiserKind::adamw && config.adam.weight_decay == 0)
    tell("with a `weight_decay` of 0, adamw does what adam does");
  if (begun.total_steps > 0 && config.warmup >= begun.total_steps)
    tell(fmt::format(
        "the `warmup` of {} steps is as long as training, so the learning rate does not reach {} before its end",
        config.warmup, config.lr));
}

}  // namespace

BegunTraining::BegunTraining(const TrainingConfig& config, const TrainingData& data, const Tokenisers& tokenisers,
                             const RunFolder& folder, RunStart start, Ranks& ranks, const Tell& tell)
    : lock(start == RunStart::resume && ranks.is_first() ? std::optional(folder.lock()) : std::nullopt),
      source(vocabulary_for(config, data, folder.source_vocabulary(), &Pair::source, start)),
      target(vocabulary_for(config, data, folder.target_vocabulary(), &Pair::target, start)),
      model(model_for(config, folder, start, source.size(), target.size())),
      steps(*model, pairs_for(config, data, *this, tokenisers, folder, start, tell), config, ranks),
      total_steps(steps.asked_by(config)),
      epochs(steps.epochs_in(total_steps)) {
  if (!data.valid.empty()) check_lengths(*model, data.valid, data.valid_file, tokenisers);
  for (const auto& test : data.tests) check_lengths(*model, test.pairs, test.file, tokenisers);
  if (start == RunStart::resume) {
    load_state(*this, config, data, folder, tell);
    going_on = steps.going_on(steps.asked_by(read_settings_file(folder.config()).config), total_steps);
  } else {
    model->parameters().initialise(config.seed);
  }
  steps.go_on(total_steps);
  state.data_hash = hash_of(data.train);
  state.valid_hash = hash_of(data.valid);
  state.best.keep = config.keep;
  if (ranks.is_first()) make_ready(*this, config, data, tokenisers, folder, start, tell);
}

}  // namespace qkv
