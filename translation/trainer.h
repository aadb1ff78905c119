#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "qkv/train/ranks.h"
#include "qkv/train/stop.h"
#include "qkv/translation/begun_training.h"
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
    int source_vocabulary, target_vocabulary;  ///< in the vocabularies
    std::size_t pairs;
    std::int64_t step, steps;  ///< where it starts, of how many
    std::uint64_t epochs;      ///< that these are, the last one perhaps in part
    int processes;             ///< that train together
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

/// Trains the model that the settings describe and writes its run folder: the loop of batches, steps, validations and
/// checkpoints. Nothing is written, and nothing overwritten, before settings and data are known to be good: that every
/// validation and test sentence fits the model among that. When `stop` becomes true, it finishes the step, or leaves
/// the validation or test it is in before the next word, writes a checkpoint and returns; resumed, it repeats what it
/// left. Throws std::invalid_argument for settings that do not fit, std::runtime_error if the loss is no longer finite
/// (the last checkpoint is kept), if the training data is not the same as before, if another process trains in the
/// folder, or if a file cannot be read or written.
///
/// Several ranks train together if each calls this with the same settings and finds the same files: the first one
/// writes the run folder, validates and calls the observer, the others make the same steps. If one is lost, the first
/// writes a checkpoint and throws RankLost; any number of ranks can go on from it.
TrainingResult train(const TrainingConfig& config, TrainingData data, const RunFolder& folder, RunStart start,
                     const TrainingObserver& observer, const StopFlag& stop, Ranks& ranks = one_rank);

/// The same for data that is tokens of these tokenisers already.
TrainingResult train(const TrainingConfig& config, const TrainingData& tokens, const Tokenisers& tokenisers,
                     const RunFolder& folder, RunStart start, const TrainingObserver& observer, const StopFlag& stop,
                     Ranks& ranks = one_rank);

}  // namespace qkv
