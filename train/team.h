#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <thread>
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
