#pragma once

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "qkv/study/attention_view.h"
#include "qkv/study/shaded_matrix.h"

namespace qkv::cli {

/// What people and scripts get to see is written here and nowhere else, so that nothing from a file or an argument
/// reaches a terminal as more than text: see datasets/visible_text.h.

/// Writes lines for people to standard output. Throws std::runtime_error if it is known that this fails; what is still
/// in a buffer main() asks for in the end.
void print_lines(const std::string& text);
template <class... Args>
void print(fmt::format_string<Args...> format, Args&&... args) {
  print_lines(fmt::format(format, std::forward<Args>(args)...));
}

/// Writes to standard output what holds colours of our own; all else in it was made visible where it was drawn.
void print_drawn(const std::string& text);

/// Writes a value and a line feed to standard output, on one line or indented.
void print_json(const nlohmann::ordered_json& json, int indent = -1);

/// Writes lines to standard error. If that fails, as when it is closed, nobody is left to be told, so work goes on.
void tell(const std::string& text);

/// The same for a bar of progress, whose control characters are our own.
void tell_drawn(const std::string& text);

/// Whether a standard stream is a terminal that takes more than plain lines: one that does not call itself dumb (TERM).
bool draws_on(int stream);

/// Whether bars are drawn as #: where the locale (the first of LC_ALL, LC_CTYPE and LANG that is set) names another
/// encoding than UTF-8, or, where none is set, the terminal is dumb.
bool has_plain_text();

/// How many columns lines may have: COLUMNS if that is set, else what the terminal behind a standard stream has; 80 if
/// it is none.
int terminal_width(int stream);

/// How to draw on standard output: with digits, in its whole width, and in colours if it is a terminal, unless NO_COLOR
/// is set (no-color.org) or it is a dumb one.
ShadedMatrixStyle matrix_style();

/// The weights of an attention in that style; under colours stands what they mean.
std::string drawn(const AttentionView& view);

/// The text as an argument in a shell, in quotes if it needs them: what cannot be shown as bash's $'\x1b'.
std::string as_typed(const std::string& argument);

}  // namespace qkv::cli
