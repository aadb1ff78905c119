#pragma once

#include <cstdint>
#include <exception>
#include <span>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace qkv {

/// Thrown where another rank has failed, which says why itself, or no longer answers.
struct RankLost : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The processes that train one model together, each with a share of every batch. They run the same program at the same
/// time; each has a number, its rank, and its own copy of the model, which stays the same on all to the bit. Whatever
/// one of them calls here, all must call, in the same order.
class Ranks {
 public:
  virtual ~Ranks() = default;

  virtual int rank() const = 0;  ///< of this process, from 0
  virtual int size() const = 0;  ///< how many there are

  /// Adds up number by number over all ranks; afterwards each holds the same sums, to the bit. Throws RankLost.
  virtual void sum(std::span<float> numbers) = 0;
  virtual void sum(std::span<double> numbers) = 0;

  /// Begins such a sum and returns; until `finish_sums` nobody reads or writes the numbers. Sums that were started go
  /// on in `proceed`, which is to be called between whiles and returns at once. Ranks that cannot do that sum here.
  virtual void start_sum(std::span<float> numbers) { sum(numbers); }
  virtual void start_sum(std::span<double> numbers) { sum(numbers); }
  virtual void proceed() {}

  /// Waits for all sums that were started. Throws RankLost.
  virtual void finish_sums() {}

  /// Whether this is the one that writes files and talks to people.
  bool is_first() const { return rank() == 0; }

  /// Whether it is so on any rank.
  bool any(bool here);

  /// The numbers of rank 0, on every rank.
  void share_first(std::span<double> numbers);

  /// Throws std::runtime_error on every rank unless `number` is the same on all: "WHAT differs between the processes
  /// that train together; ADVICE".
  void check_same(std::uint64_t number, std::string_view what, std::string_view advice);

  /// Does the work on every rank; where it fails on one, it fails on all, so that none waits for ever. What was thrown
  /// is thrown again on the first rank where it was; the others throw RankLost.
  template <class Work>
  void together(const Work& work) {
    std::exception_ptr failure;
    try {
      work();
    } catch (...) {
      failure = std::current_exception();
    }
    agree(failure);
  }

  /// The same for work that is done: `failure` is what it threw here, if anything.
  void agree(const std::exception_ptr& failure);

 protected:
  /// Whether all ranks know that one of them failed, and are about to end.
  bool failed_together() const { return failed_together_; }

  /// Whether another one says why.
  bool another_says_why() const { return another_says_why_; }

 private:
  bool failed_together_ = false;
  bool another_says_why_ = false;
};

/// A process by itself.
class OneRank final : public Ranks {
 public:
  int rank() const override { return 0; }
  int size() const override { return 1; }
  void sum(std::span<float>) override {}
  void sum(std::span<double>) override {}
};

inline OneRank one_rank;

/// As how many processes mpirun, or srun with PMI, has started this program; 1 if neither has.
int processes_started();

}  // namespace qkv
