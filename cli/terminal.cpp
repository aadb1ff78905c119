#include "cli/terminal.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string_view>
#include <sys/ioctl.h>
#include <unistd.h>

#include "qkv/datasets/visible_text.h"

namespace qkv::cli {
namespace {

void write(const std::string& text, std::FILE* stream) { std::fwrite(text.data(), 1, text.size(), stream); }

void write_result(const std::string& text) {
  write(text, stdout);
  if (std::ferror(stdout) != 0) throw std::runtime_error("the results could not be written to standard output");
}

/// In bash's $'…', which takes any byte.
std::string with_escapes(const std::string& argument) {
  std::string text = "$'";
  for (const char c : argument) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\'' || c == '\\')
      text += {'\\', c};
    else if (byte >= 0x20 && byte < 0x7f)
      text += c;
    else
      text += fmt::format("\\x{:02x}", byte);
  }
  return text + "'";
}

}  // namespace

void print_lines(const std::string& text) { write_result(visible_lines(text)); }

void print_drawn(const std::string& text) { write_result(text); }

void print_json(const nlohmann::ordered_json& json, int indent) {
  write_result(visible_json(json.dump(indent)) + "\n");
}

void tell(const std::string& text) { write(visible_lines(text), stderr); }

void tell_drawn(const std::string& text) { write(text, stderr); }

bool draws_on(int stream) {
  const char* kind = std::getenv("TERM");
  return ::isatty(stream) == 1 && (kind == nullptr || std::string_view(kind) != "dumb");
}

bool has_plain_text() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {  // the first that is set counts
    const char* value = std::getenv(name);
    if (value == nullptr || *value == '\0') continue;
    const std::string_view locale = value;
    return locale.find("UTF-8") == std::string_view::npos && locale.find("utf8") == std::string_view::npos &&
           locale.find('.') != std::string_view::npos;
  }
  const char* kind = std::getenv("TERM");
  return kind != nullptr && std::string_view(kind) == "dumb";
}

int terminal_width(int stream) {
  if (const char* columns = std::getenv("COLUMNS"); columns != nullptr) {
    int width = 0;
    const char* end = columns + std::strlen(columns);
    if (const auto read = std::from_chars(columns, end, width); read.ec == std::errc() && read.ptr == end && width > 0)
      return width;
  }
  winsize size{};
  return ::ioctl(stream, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

ShadedMatrixStyle matrix_style() {
  const char* no_colour = std::getenv("NO_COLOR");
  const bool is_wanted = no_colour == nullptr || *no_colour == '\0';
  return {.digits = true,
          .colour = is_wanted && draws_on(STDOUT_FILENO),
          .width = std::max(terminal_width(STDOUT_FILENO), 40)};
}

std::string drawn(const AttentionView& view) {
  const ShadedMatrixStyle style = matrix_style();
  return shaded_matrix(view.rows, view.columns, view.weights, style) + (style.colour ? shaded_matrix_legend(true) : "");
}

std::string as_typed(const std::string& argument) {
  if (visible(argument) != argument) return with_escapes(argument);
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
