#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "datasets/batches.h"
#include "datasets/vocabulary.h"
#include "layers/seq2seq.h"
#include "train/evaluation.h"
#include "train/run_lock.h"
#include "train/safetensors.h"
#include "train/training_config.h"
#include "train/training_step.h"

namespace qkv {

/// The files of a run, as docs and scripts know them.
struct RunFolder {
  std::filesystem::path path;

  std::string config() const { return (path / "config.json").string(); }
  std::string source_vocabulary() const { return (path / "source.vocab").string(); }
  std::string target_vocabulary() const { return (path / "target.vocab").string(); }
  std::string model() const { return (path / "model.safetensors").string(); }
  std::string checkpoint() const { return (path / "last" / "checkpoint.safetensors").string(); }
  std::string metrics() const { return (path / "metrics.jsonl").string(); }
  std::string test() const { return (path / "test.json").string(); }
  std::string lock_file() const { return (path / "last" / "lock").string(); }

  /// What can be done with the folder.
  enum class State {
    empty,      ///< there is nothing, or only what a start that was killed before its first file left
    begun,      ///< a run without a checkpoint: it can be started anew, but not gone on with
    resumable,  ///< a run with a checkpoint
    foreign,    ///< not a folder, or one that holds something and no config.json that qkv wrote
  };
  State state() const;

  /// Throws std::runtime_error that says what to do instead if there is no checkpoint to go on from.
  void check_resumable() const;

  /// Keeps other processes out of an existing run; see RunLock.
  RunLock lock() const { return RunLock(lock_file(), path.string()); }

  /// Makes the folder for a new run, locks it and removes what an earlier run left; config.json stays until it is
  /// replaced, so that a folder in which this is killed can still be told from anybody's.
  /// Throws std::runtime_error that says what to do instead if something is there already, unless `overwrite`, which
  /// removes qkv's own files and only where config.json is qkv's, or if another process trains there.
  RunLock create(bool overwrite) const;

  /// Removes the temporary files that a process which was killed left behind. To be called with the lock held.
  void remove_temporaries() const;

 private:
  void check_free(bool overwrite) const;
};

/// A trained model with what belongs to it.
struct TrainedModel {
  TrainingConfig config;
  Vocabulary source;
  Vocabulary target;
  std::unique_ptr<Seq2Seq<float>> model;
  std::optional<AlignmentReading> alignment;  ///< chosen on the validation set, where that has gold links
};

/// The model that these settings describe, if each parameter is in the file with its shape: what config.json asks for
/// is compared with the file's header first, so that the model takes no more memory than the file. Throws
/// std::runtime_error that names the file, the tensor, and the setting in `config_path` that does not fit it.
std::unique_ptr<Seq2Seq<float>> make_model_of_file(const SafetensorsFile& file, const std::string& config_path,
                                                   const TrainingConfig& config, int source_words, int target_words);

/// Reads a run's best model. Throws std::runtime_error naming the file and what is wrong with it: no such run, a
/// vocabulary or a tensor that does not fit the others; std::invalid_argument if the path is empty.
TrainedModel load_run(const std::string& path);

/// Writes the parameters by their names, and what was chosen on the validation set. Throws std::runtime_error, and
/// leaves the old file, if one of them is not finite, as save_checkpoint does.
void save_model(const std::string& path, const Seq2Seq<float>& model, const std::optional<AlignmentReading>& alignment);

/// Reads what save_model wrote into a model of the same shape.
void load_model(const std::string& path, const Seq2Seq<float>& model);

/// Where training stands, besides parameters and moments.
struct TrainingState {
  std::int64_t step = 0;  ///< steps done
  Position position;      ///< of the next batch
  double best_bleu = -1;  ///< of the best model on the validation set, and its loss
  double best_loss = 0;
  int validations_without_improvement = 0;
  bool validation_is_due = false;  ///< it was to follow the last step, and training was stopped before it ended
  std::uint64_t data_hash = 0;     ///< of the training pairs, so that a changed file is noticed
  std::optional<std::uint64_t> valid_hash;  ///< of the validation pairs; nothing in checkpoints of version 0.1.0
};

/// Everything that `--resume` continues from, bit for bit, in one file, so that a crash leaves the old or the new one.
void save_checkpoint(const std::string& path, const Seq2Seq<float>& model, const TrainingStep<float>& training,
                     const TrainingState& state);
TrainingState load_checkpoint(const std::string& path, const Seq2Seq<float>& model,
                              const TrainingStep<float>& training);

}  // namespace qkv
