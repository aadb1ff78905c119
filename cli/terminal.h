#pragma once

#include <string>

#include "study/shaded_matrix.h"

namespace qkv::cli {

/// Writes to standard error. If that fails, as when it is closed, nobody is left to be told, so work goes on.
void tell(const std::string& text);

/// How many columns the terminal behind a standard stream has; 80 if it is none.
int terminal_width(int stream);

/// Standard output, if it is a terminal, takes colours and its whole width; elsewhere matrices have digits.
ShadedMatrixStyle matrix_style();

/// The text as an argument in a shell: in quotes if it needs them.
std::string as_typed(const std::string& argument);

}  // namespace qkv::cli
