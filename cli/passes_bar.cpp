#include "cli/passes_bar.h"

#include <fmt/format.h>
#include <unistd.h>

#include "cli/progress_bar.h"
#include "cli/terminal.h"

namespace qkv::cli {

PassesBar::PassesBar() : draws_(draws_on(STDERR_FILENO)) {}

PassesBar::~PassesBar() {
  if (is_shown_) tell_drawn(no_bar);
}

void PassesBar::show(std::int64_t done, std::int64_t all) {
  using namespace std::chrono_literals;
  const auto now = std::chrono::steady_clock::now();
  if (!draws_ || (is_shown_ && now - last_drawn_ < 100ms)) return;
  last_drawn_ = now;
  is_shown_ = true;
  const double seconds = std::chrono::duration<double>(now - start_).count();
  const double left = seconds / static_cast<double>(done) * static_cast<double>(all - done);
  tell_drawn(bar_with(done, all,
                      fmt::format(" exact derivatives: pass {}/{}  {} left", done, all, minutes_and_seconds(left))));
}

}  // namespace qkv::cli
