#pragma once

#include <memory>
#include <string>
#include <vector>

#include "qkv/datasets/batches.h"
#include "qkv/train/learner.h"
#include "qkv/train/schedule.h"
#include "qkv/translation/seq2seq.h"
#include "qkv/translation/training_config.h"

namespace qkv {

/// "64", "512 words", "64, 2 a step": what the batches of a training are of.
std::string described_batches(const TrainingConfig& config);

/// The steps of a training: each differentiates `accumulate` batches, divides by all their target words, and moves the
/// parameters once, so that it is the step of one batch as large as all of them. The batches follow each other through
/// all epochs: every step has as many, and one may begin in an epoch and end in the next.
class TrainingSteps {
 public:
  struct Step {
    double loss = 0;  ///< mean per target word
    double learning_rate = 0;
    double gradient_norm = 0;  ///< before clipping
    std::int64_t target_tokens = 0;
  };

  /// The model, and the ranks that share each step, must outlive it. Throws std::invalid_argument where there are no
  /// pairs, and as Learner.
  TrainingSteps(Seq2Seq<float>& model, EncodedPairs pairs, const TrainingConfig& config, Ranks& ranks = one_rank);

  /// How many steps it takes to go through the data so often, and in how many epochs, at least one, so many steps
  /// begin.
  std::int64_t steps_in(std::uint64_t epochs) const;
  std::uint64_t epochs_in(std::int64_t steps) const;

  /// How many a training with these settings, which may ask for another length, is to make.
  std::int64_t asked_by(const TrainingConfig& config) const;

  /// For `steps` steps in all, of which so many were made as the optimiser says; the schedule follows from both.
  void go_on(std::int64_t steps);

  /// Whether the steps made so far end just before this position.
  bool end_at(Position position) const;

  /// Makes the next step from the batches at this position, and moves the position behind them. Throws
  /// std::runtime_error if the loss or its gradient is not finite, and RankLost; the position is as it was then.
  Step make(Position& position);

  /// What going on to `steps` steps in all means for a training that was to make `before`, as a sentence for people;
  /// empty if nothing.
  std::string going_on(std::int64_t before, std::int64_t steps) const;

  /// How many pairs an epoch has.
  std::size_t pairs() const { return batches_.pairs().size(); }

  /// How many were made.
  std::int64_t made() const { return optimiser_->steps(); }

  /// See Learner::check_same_parameters.
  void check_same_weights() const { learner_.check_same_parameters(); }

  Optimiser<float>& optimiser() { return *optimiser_; }
  Team& team() { return learner_.team(); }

 private:
  Schedule schedule_of(std::int64_t steps) const { return {config_.schedule, config_.lr, config_.warmup, steps}; }
  std::uint64_t batches_in(std::int64_t steps) const { return static_cast<std::uint64_t>(steps) * filled_.size(); }

  Seq2Seq<float>& model_;
  const TrainingConfig& config_;
  Batches batches_;
  std::vector<Batch> filled_;  // those of one step
  Learner<float> learner_;
  std::unique_ptr<Optimiser<float>> optimiser_;
  Schedule schedule_;
};

}  // namespace qkv
