#pragma once

#include <memory>
#include <span>

#include "qkv/train/ranks.h"
#include "qkv/train/stop.h"

namespace qkv {

/// The processes that `mpirun -n N PROGRAM` has started, on one machine or on many, as ranks; where mpirun has not, a
/// single one, and MPI is not touched. One of these in a program, from before training to its end:
///
///   MpiRanks ranks;
///   Learner learner(model.parameters(), {.workers = 2, .ranks = &ranks});
///
/// Sums are MPI_Iallreduce in place, which goes on while this process calls it. A rank that waits gives its processor
/// away after a moment, so that more ranks than processors, or a long validation on the first rank, cost little.
///
/// A rank that ends without the others, killed or by an exception, is noticed by mpirun, which sends SIGCONT to the
/// others, SIGTERM a second later, and ends them some 0.3 seconds after that. The first rank, which never waits for
/// more than a step, takes the first of these for a warning, unless somebody handles it already: a sum that does not
/// come about within 0.3 seconds throws RankLost, and there is time to save. So does, on any rank, one that does not
/// within 0.05 seconds when `stop` is true, which SIGTERM's handler is to set.
class MpiRanks final : public Ranks {
 public:
  /// Throws std::runtime_error where MPI cannot be started.
  explicit MpiRanks(const StopFlag& stop = never_stopped);

  /// Ends MPI once all ranks have come here. Where one is lost, or fails by itself, it leaves MPI as it is: mpirun sees
  /// that when the process ends, and ends the others.
  ~MpiRanks() override;
  MpiRanks(const MpiRanks&) = delete;
  MpiRanks& operator=(const MpiRanks&) = delete;

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  void sum(std::span<float> numbers) override;
  void sum(std::span<double> numbers) override;
  void start_sum(std::span<float> numbers) override;
  void start_sum(std::span<double> numbers) override;
  void proceed() override;
  void finish_sums() override;

 private:
  struct Sums;

  template <class T, class Datatype>
  void start(std::span<T> numbers, Datatype type);

  const StopFlag& stop_;
  int exceptions_;  // that were passing by when this was made
  std::unique_ptr<Sums> sums_;
  bool is_lost_ = false;
  int rank_ = 0, size_ = 1;
};

}  // namespace qkv
