#pragma once

#include <cstdint>
#include <experimental/propagate_const>
#include <memory>
#include <optional>
#include <string>

#include "qkv/datasets/batches.h"
#include "qkv/datasets/tokeniser.h"
#include "qkv/datasets/vocabulary.h"
#include "qkv/files/safetensors.h"
#include "qkv/train/saved_parameters.h"
#include "qkv/translation/best_so_far.h"
#include "qkv/translation/evaluation.h"
#include "qkv/translation/seq2seq.h"
#include "qkv/translation/training_config.h"

namespace qkv {

/// A trained model with what belongs to it. It reads and writes tokens of its tokenisers; vocabularies hold these. The
/// model of a const one is const too.
struct TrainedModel {
  TrainingConfig config;
  Vocabulary source;
  Vocabulary target;
  std::experimental::propagate_const<std::unique_ptr<Seq2Seq<float>>> model;
  std::optional<AlignmentReading> alignment;  ///< chosen on the validation set, where that has gold links
  Tokenisers tokenisers = word_tokenisers();
};

/// The model that these settings describe, if each parameter is in the file with its shape: what config.json asks for
/// is compared with the file's header first, so that the model takes no more memory than the file. Throws
/// std::runtime_error that names the file, the tensor, and the setting in `config_path` that does not fit it.
std::unique_ptr<Seq2Seq<float>> make_model_of_file(const SafetensorsFile& file, const std::string& config_path,
                                                   const TrainingConfig& config, int source_vocabulary,
                                                   int target_vocabulary);

/// Reads a run's best model. Throws std::runtime_error naming the file and what is wrong with it: no such run, a
/// vocabulary or a tensor that does not fit the others; std::invalid_argument if the path is empty.
TrainedModel load_run(const std::string& path);

/// Writes the parameters by their names, and what was chosen on the validation set. Throws std::runtime_error, and
/// leaves the old file, if one of them is not finite, as save_checkpoint does.
void save_model(const std::string& path, const Seq2Seq<float>& model, const std::optional<AlignmentReading>& alignment);

/// Where training stands, besides the parameters and what the optimiser keeps: its moments and steps.
struct TrainingState {
  Position position;  ///< of the next batch
  BestSoFar best;
  bool validation_is_due = false;  ///< it was to follow the last step, and training was stopped before it ended
  std::uint64_t data_hash = 0;     ///< of the training pairs, so that a changed file is noticed
  std::optional<std::uint64_t> valid_hash;  ///< of the validation pairs; nothing in checkpoints of version 0.1.0
};

/// Everything that `--resume` continues from, bit for bit, in one file, so that a crash leaves the old or the new one.
void save_checkpoint(const std::string& path, const Seq2Seq<float>& model, const Optimiser<float>& optimiser,
                     const TrainingState& state);
TrainingState load_checkpoint(const std::string& path, Seq2Seq<float>& model, Optimiser<float>& optimiser);

}  // namespace qkv
