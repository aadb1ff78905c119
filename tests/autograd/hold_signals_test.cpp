#include "qkv/autograd/kernels/hold_signals.h"

#include <chrono>
#include <csignal>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/time.h>
#include <vector>

#include "qkv/autograd/gemm.h"

namespace qkv {
namespace {

volatile std::sig_atomic_t handled = 0;
volatile std::sig_atomic_t handled_off_the_stack = 0;
const char *stack_begin = nullptr, *stack_end = nullptr;

void count(int) {
  const char here = 0;
  handled = handled + 1;
  if (&here < stack_begin || &here >= stack_end) handled_off_the_stack = handled_off_the_stack + 1;
}

/// Counts a signal until the end of the block.
class Counting {
 public:
  explicit Counting(int signal) : signal_(signal) {
    pthread_attr_t attributes;
    void* begin = nullptr;
    std::size_t size = 0;
    ::pthread_getattr_np(::pthread_self(), &attributes);
    ::pthread_attr_getstack(&attributes, &begin, &size);
    ::pthread_attr_destroy(&attributes);
    stack_begin = static_cast<const char*>(begin);
    stack_end = stack_begin + size;
    handled = 0;
    handled_off_the_stack = 0;
    struct sigaction action {};
    action.sa_handler = count;
    action.sa_flags = SA_RESTART;
    ::sigaction(signal, &action, &before_);
  }
  ~Counting() { ::sigaction(signal_, &before_, nullptr); }

 private:
  int signal_;
  struct sigaction before_ {};
};

TEST(HoldSignals, DeliversAtTheEndOfTheOutermostBlock) {
  const Counting counting(SIGUSR1);
  {
    const HoldSignals hold;
    ::raise(SIGUSR1);
    EXPECT_EQ(handled, 0);
    { const HoldSignals inner; }
    EXPECT_EQ(handled, 0);
  }
  EXPECT_EQ(handled, 1);
}

TEST(HoldSignals, LeavesTheMaskAsItWas) {
  sigset_t one, before, inside, after;
  sigemptyset(&one);
  sigaddset(&one, SIGUSR2);
  ::pthread_sigmask(SIG_BLOCK, &one, &before);
  {
    const HoldSignals hold;
    ::pthread_sigmask(SIG_BLOCK, nullptr, &inside);
  }
  ::pthread_sigmask(SIG_SETMASK, &before, &after);
  EXPECT_TRUE(sigismember(&after, SIGUSR2));
  EXPECT_FALSE(sigismember(&after, SIGINT));
  for (const int held : {SIGINT, SIGTERM, SIGALRM, SIGPROF, SIGUSR2, SIGRTMIN}) EXPECT_TRUE(sigismember(&inside, held));
  for (const int raised : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP})
    EXPECT_FALSE(sigismember(&inside, raised));
}

TEST(HoldSignals, NoHandlerRunsOnAStackThatIsNotTheThreads) {
  const Counting counting(SIGALRM);
  const itimerval often{{0, 200}, {0, 200}}, never{};  // every 200 microseconds
  const int n = 128;
  const std::vector<float> a(n * n, 0.5F), b(n * n, 2.0F);
  std::vector<float> c(n * n);
  ::setitimer(ITIMER_REAL, &often, nullptr);
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(500);
  bool is_right = true;
  while (std::chrono::steady_clock::now() < end) {
    gemm<float>({a.data(), n, n, n, false}, {b.data(), n, n, n, false}, {c.data(), n, n, n, false});
    is_right = is_right && c[0] == n && c[n * n - 1] == n;
  }
  ::setitimer(ITIMER_REAL, &never, nullptr);
  EXPECT_TRUE(is_right);
  EXPECT_GT(handled, 20) << "signals still arrive, between the products";
  EXPECT_EQ(handled_off_the_stack, 0);
}

}  // namespace
}  // namespace qkv
