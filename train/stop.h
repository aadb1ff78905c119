#pragma once

#include <atomic>
#include <exception>

namespace qkv {

/// What work that takes long looks at again and again: somebody wants it to end. A signal's handler may set it.
using StopFlag = std::atomic<bool>;
static_assert(StopFlag::is_always_lock_free);

/// For work that nobody will want to end.
inline const StopFlag never_stopped{false};

/// Thrown by work that ended early because it was asked to.
struct Stopped : std::exception {
  const char* what() const noexcept override { return "stopped before the end"; }
};

/// Throws Stopped if the work is to end.
inline void end_if(const StopFlag& stop) {
  if (stop.load(std::memory_order_relaxed)) throw Stopped();
}

}  // namespace qkv
