#pragma once

#include <string>

#include "study/attention_view.h"
#include "study/shaded_matrix.h"

namespace qkv::cli {

/// Writes to standard error. If that fails, as when it is closed, nobody is left to be told, so work goes on.
void tell(const std::string& text);

/// How many columns the terminal behind a standard stream has; 80 if it is none.
int terminal_width(int stream);

/// How to draw on standard output: in colours and its whole width if it is a terminal, elsewhere with digits.
ShadedMatrixStyle matrix_style();

/// The weights of an attention in that style; under colours stands what they mean.
std::string drawn(const AttentionView& view);

/// The text as an argument in a shell: in quotes if it needs them.
std::string as_typed(const std::string& argument);

}  // namespace qkv::cli
