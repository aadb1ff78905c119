#include "cli/stop_signals.h"

#include <cerrno>
#include <csignal>
#include <string_view>
#include <unistd.h>

namespace qkv::cli {
namespace {

StopFlag stop_requested{false};
std::atomic<bool> is_told{false};

/// Calls nothing that a signal's handler may not call.
extern "C" void request_stop(int) {
  stop_requested = true;
  if (!is_told) return;
  const int error = errno;
  constexpr std::string_view message =
      "\nStopping; Ctrl-C again stops at once and loses the steps since the last checkpoint.\n";
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, message.data(), message.size());
  errno = error;
}

}  // namespace

const StopFlag& stop_on_signals(bool tells) {
  is_told = tells;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction before {};
    ::sigaction(signal, nullptr, &before);
    if (before.sa_handler == SIG_IGN) continue;
    struct sigaction action {};
    action.sa_handler = request_stop;
    action.sa_flags = static_cast<int>(SA_RESTART | SA_RESETHAND);  // once: the next one does what it always does
    ::sigaction(signal, &action, nullptr);
  }
  return stop_requested;
}

}  // namespace qkv::cli
