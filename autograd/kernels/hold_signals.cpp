#include "qkv/autograd/kernels/hold_signals.h"

#include <initializer_list>

namespace qkv {
namespace {

/// Whether this thread holds signals already.
constinit thread_local bool is_holding = false;

}  // namespace

HoldSignals::HoldSignals() : is_outermost_(!is_holding) {
  if (!is_outermost_) return;
  sigset_t held;
  sigfillset(&held);
  for (const int raised : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT}) sigdelset(&held, raised);
  pthread_sigmask(SIG_BLOCK, &held, &before_);
  is_holding = true;
}

HoldSignals::~HoldSignals() {
  if (!is_outermost_) return;
  is_holding = false;
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

}  // namespace qkv
