#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "qkv/datasets/batches.h"
#include "qkv/train/adam.h"
#include "qkv/train/team.h"
#include "qkv/translation/seq2seq.h"

namespace qkv {

/// One step of training, shared among workers: each takes a part of the batch's sentences, runs them forward and
/// backward on a tape of its own into gradients of its own; then two passes over the parameters, split among the
/// workers, add up the gradients in a fixed order and update. The loss is divided by the target words of the whole
/// batch, so the result does not depend on how the batch is shared, beyond rounding.
/// Compiled for float and double.
template <class T>
class TrainingStep {
 public:
  TrainingStep(const Seq2Seq<T>& model, int workers);

  struct Loss {
    double value = 0;          ///< mean per target word, `<eos>` counted
    double gradient_norm = 0;  ///< before clipping
  };

  /// The loss of the batch, and its gradient in `gradient()`. Dropout is on if `draws.training` is set.
  /// Throws std::runtime_error if the loss or its gradient is not finite, naming the operation where that began.
  Loss differentiate(const Batch& batch, double label_smoothing, const DrawKey& draws);

  /// Moves the parameters by Adam along the gradient of the last `differentiate`; scaled down to norm `clip` if it is
  /// longer than that and `clip` is not 0. Steps are counted from 1.
  void update(const AdamSettings& adam, double learning_rate, double clip, std::int64_t step);

  /// The gradient, in the layout of the parameters.
  std::span<T> gradient() const { return workers_.front()->gradients.span(); }

  /// Adam's running means of the gradient and of its square, in the layout of the parameters.
  std::span<T> first_moment() const { return first_moment_.span(); }
  std::span<T> second_moment() const { return second_moment_.span(); }

  Team& team() { return team_; }

  /// The most memory that the tapes have used, in bytes.
  std::size_t tape_memory() const;

 private:
  struct Worker {
    Tape<T> tape;
    Block<T> gradients;
    double loss = 0;
    double squares = 0;  // Σ g² of its part of the parameters
  };

  void run_shard(Worker& worker, const Batch& batch, int first, int count, double label_smoothing, DrawKey draws);
  void add_up(int worker);
  std::pair<std::size_t, std::size_t> range_of(int worker) const;
  [[noreturn]] void report_not_finite(const Loss& loss) const;

  const Seq2Seq<T>& model_;
  Team team_;
  std::vector<std::unique_ptr<Worker>> workers_;
  Block<T> first_moment_, second_moment_;
  double gradient_norm_ = 0;
};

extern template class TrainingStep<float>;
extern template class TrainingStep<double>;

}  // namespace qkv
