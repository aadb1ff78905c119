#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "qkv/train/stop.h"
#include "qkv/translation/evaluation.h"
#include "qkv/translation/final_losses.h"
#include "qkv/translation/run_folder.h"
#include "qkv/translation/training_data.h"

namespace qkv {

/// What a trainer tells while it works.
struct TrainingObserver {
  struct Start {
    const TrainingConfig& config;
    std::int64_t parameters;
    int source_words, target_words;  ///< in the vocabularies
    std::size_t pairs;
    std::int64_t step, steps;  ///< where it starts, of how many
    std::uint64_t epochs;      ///< that these are, the last one perhaps in part
  };
  struct Step {
    std::int64_t step;  ///< steps done, of how many
    std::int64_t steps;
    std::uint64_t epoch;   ///< the pass through the data, from 0, …
    std::uint64_t epochs;  ///< … of how many
    double loss, learning_rate, gradient_norm, tokens_per_second;
    double seconds_left;
  };
  struct Validation {
    std::int64_t step;
    std::uint64_t epoch, epochs;  ///< as in Step, of the last step
    const Evaluation& evaluation;
    const Pair& sample;    ///< the first of the pairs, as words
    Sentence translation;  ///< of it, as words
    bool is_best;
  };
  std::function<void(const Start&)> on_start = [](const Start&) {};
  std::function<void(const Step&)> on_step = [](const Step&) {};
  std::function<void(const Validation&)> on_validation = [](const Validation&) {};
  std::function<void(const std::string&)> on_message = [](const std::string&) {};  ///< a sentence for people
};

/// How a training ended.
struct TrainingResult {
  std::int64_t steps = 0;
  bool interrupted = false;                               ///< stopped early; `--resume` goes on
  std::vector<std::pair<std::string, Evaluation>> tests;  ///< of the best model, by name
  std::optional<FinalLosses> losses;                      ///< where there is a validation set
};

/// What to do with the run folder: make it (see RunFolder::create), or go on from its last checkpoint, bit for bit.
enum class RunStart { anew, overwrite, resume };

/// Trains the model that the settings describe and writes its run folder: the loop of batches, steps, validations and
/// checkpoints. Nothing is written, and nothing overwritten, before settings and data are known to be good: that every
/// validation and test sentence fits the model among that. When `stop` becomes true, it finishes the step, or leaves
/// the validation or test it is in before the next word, writes a checkpoint and returns; resumed, it repeats what it
/// left. Throws std::invalid_argument for settings that do not fit, std::runtime_error if the loss is no longer finite
/// (the last checkpoint is kept), if the training data is not the same as before, if another process trains in the
/// folder, or if a file cannot be read or written.
TrainingResult train(const TrainingConfig& config, TrainingData data, const RunFolder& folder, RunStart start,
                     const TrainingObserver& observer, const StopFlag& stop);

}  // namespace qkv
