#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <thread>
#include <utility>
#include <vector>

namespace qkv {

/// Workers that do the same thing at the same time, each with its own number. The caller is worker 0; the others are
/// threads that live as long as the team. Waiting spins for a moment before it sleeps, because a training step of a
/// tiny model takes less time than waking a thread. No signal is ever delivered to these threads: it goes to one of the
/// program's own (see autograd/kernels/hold_signals.h).
class Team {
 public:
  /// Throws std::invalid_argument for fewer than one worker, std::system_error if a thread cannot be started.
  explicit Team(int workers);
  ~Team();
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  int size() const { return static_cast<int>(errors_.size()); }

  /// The numbers from first to second, of `size` of type Number, that one worker takes; no two write to one cache line.
  template <class Number>
  std::pair<std::size_t, std::size_t> share(std::size_t size, int worker) const {
    constexpr std::size_t unit = 64 / sizeof(Number);
    const std::size_t units = (size + unit - 1) / unit, workers = errors_.size();
    const auto i = static_cast<std::size_t>(worker);
    return {std::min(units * i / workers * unit, size), std::min(units * (i + 1) / workers * unit, size)};
  }

  /// Calls work(worker) on every worker and returns when all are done. If some throw, the exception of the first of
  /// them, by number, is thrown here.
  template <class Work>
  void run(const Work& work) {
    run_erased([](const void* context, int worker) { (*static_cast<const Work*>(context))(worker); }, &work);
  }

 private:
  using Call = void (*)(const void* context, int worker);

  void run_erased(Call call, const void* context);
  void work_on(int worker);
  void wait_for_rounds(int worker);
  void stop();

  std::vector<std::exception_ptr> errors_;  // one for each worker
  std::vector<std::thread> threads_;
  Call call_ = nullptr;
  const void* context_ = nullptr;
  bool stop_ = false;
  alignas(64) std::atomic<std::uint32_t> round_{0};  // counts up when there is work
  alignas(64) std::atomic<std::uint32_t> busy_{0};   // workers, other than the caller, that are not done
};

}  // namespace qkv
