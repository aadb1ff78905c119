#pragma once

#include <csignal>

namespace qkv {

/// Holds back, until the end of the block, the signals that can come to this thread at any moment; those that came
/// meanwhile are delivered then. Blocks may be nested; only the outermost one costs two calls of the system.
///
/// It is there because oneDNN's float kernels use the stack pointer as one more register and point it into memory of
/// the heap, without room below it. A signal's handler that ran in such a moment would have its frame, several
/// kilobytes, written over whatever lies there. So gemm holds signals around every such product, a Team's threads hold
/// them always, and a Learner around a step, in every program that uses qkv and whatever handlers it installs.
/// Handlers with SA_ONSTACK on a thread with an alternate stack would be safe too, but qkv cannot ask for that.
///
/// Signals that a thread raises by what it does (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT) are never
/// held: held back they would end the program without a word, and products raise none.
class HoldSignals {
 public:
  HoldSignals();
  ~HoldSignals();
  HoldSignals(const HoldSignals&) = delete;
  HoldSignals& operator=(const HoldSignals&) = delete;

 private:
  bool is_outermost_;
  sigset_t before_;
};

}  // namespace qkv
