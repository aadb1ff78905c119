#pragma once

#include <functional>
#include <string>
#include <vector>

#include "qkv/study/compare/comparison_plan.h"
#include "qkv/translation/trainer.h"

namespace qkv {

/// One training of a compared model, an ordinary run folder.
struct ComparedRun {
  std::size_t model = 0;  ///< its number among the compared models
  TrainingConfig config;
  RunFolder folder;  ///< OUT/runs/NAME
  enum class State { absent, unfinished, finished } state = State::absent;

  std::string name() const { return folder.path.filename().string(); }
};

/// The runs of all models, seed after seed, and how far each has come. Nothing is written. A finished run has the
/// settings that are planned, the location of the data and the number of workers aside, was trained on this data, and
/// has been tested.
/// Throws std::runtime_error that says what to do: `out` holds something that is no comparison; a run there has other
/// settings, which are named, was trained on other sentences, or is not qkv's. The data is cut into tokens, as
/// checkpoints know it.
std::vector<ComparedRun> runs_of(const std::vector<ComparedModel>& models, const std::vector<std::uint64_t>& seeds,
                                 const TrainingData& data, const std::string& out);

/// Trains the runs that are not finished on the data as it was read, one after the other; an unfinished one goes on
/// from its last checkpoint. `begins` is told of each run before it is trained. Returns the run that was stopped, or
/// nullptr: all are finished. Throws what train() throws.
const ComparedRun* train_runs(std::vector<ComparedRun>& runs, const TrainingData& data,
                              const std::function<void(const ComparedRun&, std::size_t number)>& begins,
                              const TrainingObserver& observer, const StopFlag& stop);

}  // namespace qkv
