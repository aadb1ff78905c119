#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "qkv/datasets/vocabulary.h"
#include "qkv/translation/run_folder.h"
#include "qkv/translation/saved_model.h"
#include "qkv/translation/training_data.h"
#include "qkv/translation/training_steps.h"

namespace qkv {

/// What to do with the run folder: make it (see RunFolder::create), or go on from its last checkpoint, bit for bit.
enum class RunStart { anew, overwrite, resume };

/// A training about to make its next step: new, or as its checkpoint left it. The data is tokens of these tokenisers.
struct BegunTraining {
  /// Reads what goes on, checks that the data fits it, and only then writes: the first rank makes the run folder ready.
  /// `tell` is told sentences for people; all but `config` need only live as long as this call. Throws
  /// std::invalid_argument for settings that do not fit the data, std::runtime_error for files that do not fit each
  /// other, or what was trained before.
  BegunTraining(const TrainingConfig& config, const TrainingData& data, const Tokenisers& tokenisers,
                const RunFolder& folder, RunStart start, Ranks& ranks,
                const std::function<void(const std::string&)>& tell);

  std::optional<RunLock> lock;  ///< of the first rank
  Vocabulary source, target;
  std::unique_ptr<Seq2Seq<float>> model;
  TrainingSteps steps;
  TrainingState state;
  std::int64_t total_steps;
  std::uint64_t epochs;  ///< that these are, the last one perhaps in part
  std::string going_on;  ///< what there is to tell of a training that goes on
};

}  // namespace qkv
