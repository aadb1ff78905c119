#pragma once

#include <string>

namespace qkv::cli {

/// Writes to standard error. If that fails, as when it is closed, nobody is left to be told, so work goes on.
void tell(const std::string& text);

/// The text as an argument in a shell: in quotes if it needs them.
std::string as_typed(const std::string& argument);

}  // namespace qkv::cli
