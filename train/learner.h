#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "qkv/layers/parameters.h"
#include "qkv/train/complete_gradients.h"
#include "qkv/train/gradient.h"
#include "qkv/train/ranks.h"
#include "qkv/train/shard.h"
#include "qkv/train/team.h"

namespace qkv {

struct LearnerOptions {
  int workers = 1;           ///< threads that share each batch, or this process's part of it
  std::uint64_t seed = 1;    ///< what dropout draws follow from
  bool training = true;      ///< whether dropout drops
  Ranks* ranks = &one_rank;  ///< processes that share each batch; see train/mpi/mpi_ranks.h
  int batches_a_step = 1;    ///< whose gradients are added: ranks sum while the last of them runs backward
};

/// Whether a batch's gradient takes the place of the one before, or is added to it.
enum class Gradients { anew, added };

/// Differentiates a loss by a model's parameters, shared among workers: each takes a part of the batch's rows and runs
/// them forward and backward on a tape of its own into gradients of its own, which are then added up in a fixed order.
/// So the same seed and the same number of workers give the same bits; another number differs by rounding only. After
/// the first batches nothing is taken from the heap.
///
///   Learner learner(model.parameters(), {.workers = 2});
///   Adam adam(model.parameters(), {.lr = 1e-2});
///   const double loss = learner.differentiate(rows, [&](Shard shard) { return …; });   a scalar Var
///   learner.clip(1.0);
///   adam.step(learner.gradient());
///
/// Several batches make one step, as one that is too large for memory, when the gradients of all but the first are
/// added: differentiate(rows, loss_of, Gradients::added). Their losses add up too, so divide each by what makes the sum
/// the mean that is wanted, and clip after the last.
///
/// Several processes, on one machine or many, learn together if each has such a learner with the same ranks, workers
/// and model, and differentiates the same batches: rank r's workers take the r-th part of the rows. Losses are summed
/// over ranks at once, the gradient once a step: while the last of its batches runs backward, of the parameters that
/// are complete already, or before, if `norm`, `clip` or `gradient` asks for it on every rank. It is the step of one
/// process with all the workers, up to rounding, and every rank ends with the same gradient, to the bit.
///
/// Compiled for float and double. The parameters, and the ranks, must outlive the learner.
template <class T>
class Learner {
 public:
  /// Throws std::invalid_argument for fewer than one worker, or batch a step.
  explicit Learner(Parameters<T>& parameters, const LearnerOptions& options = {});

  /// The mean loss of a batch of so many rows; its gradient is in `gradient()`. `loss_of(Shard)` returns the mean loss
  /// of the shard's rows as a scalar; it is called by all workers at the same time, so it must not change what they
  /// share. Throws std::runtime_error if the loss or its gradient is not finite, naming the operation where that began,
  /// and whatever `loss_of` throws; RankLost on other ranks than that. If the
  /// first call finds ranks with unlike workers, seed or number of parameters, it throws std::runtime_error.
  template <class LossOf>
  double differentiate(int rows, const LossOf& loss_of, Gradients gradients = Gradients::anew) {
    return run(rows, Reduction::mean, Call::of(loss_of), gradients);
  }

  /// The same where the batch's loss is the sum of the shards': for losses that each shard has divided by something of
  /// the whole batch, such as its number of words.
  template <class LossOf>
  double differentiate_sum(int rows, const LossOf& loss_of, Gradients gradients = Gradients::anew) {
    return run(rows, Reduction::sum, Call::of(loss_of), gradients);
  }

  /// Scales the gradient down to this norm if it is longer, as torch.nn.utils.clip_grad_norm_; returns its norm before.
  /// Throws std::invalid_argument unless the norm is above 0. Like the next two, it throws std::runtime_error where the
  /// sum over ranks is not finite, and RankLost.
  double clip(double largest_norm);

  /// The norm of the gradient before clipping.
  double norm();

  /// The gradient of the last `differentiate`, and of those that it was added to, in the layout of the parameters,
  /// clipped if that was asked for. Valid until the next one.
  Gradient<T> gradient();

  /// How many batches were differentiated: dropout draws anew for each. Whoever goes on with a training sets it.
  std::int64_t batches() const { return batches_; }
  void set_batches(std::int64_t batches) { batches_ = batches; }

  /// Throws std::runtime_error unless the parameters are the same on all ranks, to the bit. They stay so by themselves
  /// where all compute alike; to be called now and then, because processors and compilers differ.
  void check_same_parameters() const;

  Team& team() { return team_; }

  /// The most memory that the tapes have used, in bytes.
  std::size_t tape_memory() const;

 private:
  enum class Reduction { mean, sum };

  /// loss_of, whatever its type: a pointer to it, and how to call it.
  struct Call {
    Var<T> (*function)(const void* loss_of, const Shard& shard);
    const void* loss_of;

    template <class LossOf>
    static Call of(const LossOf& loss_of) {
      return {[](const void* callable, const Shard& shard) -> Var<T> {
                return (*static_cast<const LossOf*>(callable))(shard);
              },
              &loss_of};
    }
  };

  struct Worker {
    Tape<T> tape;
    Block<T> gradients;
    T share = 0;  // of the batch's loss that this worker's is
    double loss = 0;
    double squares = 0;  // Σ g² of its part of the parameters
    CompleteGradients<T> complete;
    alignas(64) std::atomic<std::size_t> complete_from = 0;  // of its gradients, while ranks sum meanwhile
  };

  double run(int rows, Reduction reduction, Call call, Gradients gradients);
  void run_shard(Worker& worker, const Shard& shard, Reduction reduction, Call call);
  Shard shard_of(int worker, int rows) const;
  void check_same_options();
  void run_backward(Worker& worker, Var<T> loss, const Var<T>* leaves);
  void sum_what_is_complete();
  void start_last_sum();
  bool meet(const std::exception_ptr& failure);
  void add_up(std::size_t begin, std::size_t end);
  void square(int worker);
  void take_norm();
  void sum_over_ranks();
  [[noreturn]] void report_not_finite() const;

  Parameters<T>& parameters_;
  LearnerOptions options_;
  Team team_;
  std::vector<std::unique_ptr<Worker>> workers_;
  Block<T> before_;  // the gradient that another one is added to; empty until there is such a batch
  std::int64_t batches_ = 0;
  double loss_ = 0;
  double norm_ = 0;
  double scale_ = 1;
  int batch_of_step_ = 0;        // counts from 1
  bool sums_meanwhile_ = false;  // whether ranks sum this batch's gradient while it is being computed
  std::size_t unsummed_ = 0;     // how many numbers, from the first, ranks have not begun to sum
  bool is_summed_ = true;        // whether the gradient is that of all ranks, rather than of this one's rows
  bool is_checked_ = false;      // whether all ranks were found to have the same options
};

extern template class Learner<float>;
extern template class Learner<double>;

}  // namespace qkv
