#include "cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <string_view>

namespace qkv::cli {

void tell(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stderr); }

int terminal_width(int stream) {
  winsize size{};
  return ::ioctl(stream, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

ShadedMatrixStyle matrix_style() {
  const bool is_terminal = ::isatty(STDOUT_FILENO) == 1;
  return {.digits = !is_terminal, .colour = is_terminal, .width = std::max(terminal_width(STDOUT_FILENO), 40)};
}

std::string drawn(const AttentionView& view) {
  const ShadedMatrixStyle style = matrix_style();
  return shaded_matrix(view.rows, view.columns, view.weights, style) + (style.colour ? shaded_matrix_legend(true) : "");
}

std::string as_typed(const std::string& argument) {
  const auto is_plain = [](unsigned char c) {
    return std::isalnum(c) != 0 || c >= 0x80 ||
           std::string_view("_-./+:=,@").find(static_cast<char>(c)) != std::string_view::npos;
  };
  if (!argument.empty() && std::all_of(argument.begin(), argument.end(), is_plain)) return argument;
  std::string quoted = "'";
  for (const char c : argument) quoted += c == '\'' ? "'\\''" : std::string(1, c);
  return quoted + "'";
}

}  // namespace qkv::cli
