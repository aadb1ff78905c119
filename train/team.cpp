#include "qkv/train/team.h"

#include "qkv/autograd/check.h"
#include "qkv/autograd/gemm.h"
#include "qkv/autograd/kernels/hold_signals.h"

namespace qkv {
namespace {

/// Waits until the atomic no longer holds `old`: spins for some ten microseconds, then sleeps.
std::uint32_t wait_for_change(const std::atomic<std::uint32_t>& value, std::uint32_t old) {
  constexpr int spins = 4000;
  for (int i = 0; i < spins; ++i) {
    const std::uint32_t now = value.load(std::memory_order_acquire);
    if (now != old) return now;
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
  }
  value.wait(old, std::memory_order_acquire);
  return value.load(std::memory_order_acquire);
}

}  // namespace

Team::Team(int workers) {
  check(workers >= 1, "workers: {} is too few, there must be at least one", workers);
  errors_.resize(workers);
  use_one_thread_per_product();
  const HoldSignals hold;  // the threads begin with the mask of the one that starts them
  try {
    for (int worker = 1; worker < workers; ++worker) threads_.emplace_back([this, worker] { wait_for_rounds(worker); });
  } catch (...) {
    stop();  // those that did start
    throw;
  }
}

Team::~Team() { stop(); }

void Team::stop() {
  stop_ = true;
  round_.fetch_add(1, std::memory_order_release);
  round_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void Team::work_on(int worker) {
  try {
    call_(context_, worker);
  } catch (...) {
    errors_[worker] = std::current_exception();
  }
}

void Team::wait_for_rounds(int worker) {
  const HoldSignals hold;
  use_one_thread_per_product();
  for (std::uint32_t round = 0;;) {
    round = wait_for_change(round_, round);
    if (stop_) return;
    work_on(worker);
    if (busy_.fetch_sub(1, std::memory_order_acq_rel) == 1) busy_.notify_one();
  }
}

void Team::run_erased(Call call, const void* context) {
  call_ = call;
  context_ = context;
  busy_.store(static_cast<std::uint32_t>(threads_.size()), std::memory_order_relaxed);
  round_.fetch_add(1, std::memory_order_release);
  round_.notify_all();
  work_on(0);
  for (std::uint32_t busy = busy_.load(std::memory_order_acquire); busy != 0;) busy = wait_for_change(busy_, busy);
  std::exception_ptr first;
  for (std::exception_ptr& error : errors_) {
    if (error && !first) first = error;
    error = nullptr;
  }
  if (first) std::rethrow_exception(first);
}

}  // namespace qkv
