#include "cli/progress_bar.h"

#include <algorithm>
#include <fmt/format.h>
#include <unistd.h>

#include "cli/terminal.h"

namespace qkv::cli {

std::string bar_with(std::int64_t done, std::int64_t all, const std::string& text) {
  const std::int64_t room =
      terminal_width(STDERR_FILENO) - static_cast<std::int64_t>(text.size()) - 1;  // a full line would wrap
  const std::int64_t width = std::clamp<std::int64_t>(room, 0, 24), filled = all > 0 ? width * done / all : width;
  std::string bar;
  for (std::int64_t i = 0; i < width; ++i) bar += i < filled ? "█" : "░";
  return fmt::format("\r{}{}\033[K", bar, text);
}

std::string minutes_and_seconds(double seconds) {
  const int whole = static_cast<int>(seconds + 0.5);
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

}  // namespace qkv::cli
