#pragma once

#include <barrier>
#include <exception>
#include <thread>
#include <vector>

#include "qkv/train/ranks.h"

namespace qkv {

/// Ranks that are threads of one process instead of processes: what one of them sees of the others. Sums are made in
/// the order of ranks.
class ThreadRanks : public Ranks {
 public:
  /// What the threads share.
  struct Meeting {
    explicit Meeting(int size) : sums(static_cast<std::size_t>(size)), all(size) {}
    std::vector<std::vector<double>> sums;
    std::barrier<> all;
  };

  ThreadRanks(Meeting& meeting, int rank) : meeting_(meeting), rank_(rank) {}
  int rank() const override { return rank_; }
  int size() const override { return static_cast<int>(meeting_.sums.size()); }
  void sum(std::span<float> numbers) override {
    sum_of(numbers);
    ++sums_of_floats;
  }
  void sum(std::span<double> numbers) override { sum_of(numbers); }

  int sums_of_floats = 0;  // of gradients, where a float model learns

 private:
  template <class T>
  void sum_of(std::span<T> numbers) {
    meeting_.sums[static_cast<std::size_t>(rank_)].assign(numbers.begin(), numbers.end());
    meeting_.all.arrive_and_wait();
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      T total = 0;
      for (const std::vector<double>& of_rank : meeting_.sums) total += static_cast<T>(of_rank[i]);
      numbers[i] = total;
    }
    meeting_.all.arrive_and_wait();
  }

  Meeting& meeting_;
  int rank_;
};

/// Runs work(ThreadRanks&) on so many ranks at the same time, and returns what each threw.
template <class Work>
std::vector<std::exception_ptr> run_on_ranks(int size, const Work& work) {
  ThreadRanks::Meeting meeting(size);
  std::vector<std::exception_ptr> thrown(static_cast<std::size_t>(size));
  std::vector<std::thread> threads;
  for (int rank = 0; rank < size; ++rank)
    threads.emplace_back([&, rank] {
      ThreadRanks ranks(meeting, rank);
      try {
        work(ranks);
      } catch (...) {
        thrown[static_cast<std::size_t>(rank)] = std::current_exception();
      }
    });
  for (std::thread& thread : threads) thread.join();
  return thrown;
}

/// What an exception says; empty if there is none.
inline std::string message_in(const std::exception_ptr& thrown) {
  if (!thrown) return "";
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& error) {
    return error.what();
  }
}

}  // namespace qkv
