#include <fmt/format.h>

#include "cli/commands.h"

namespace qkv::cli {
void add_gradcheck(CLI::App&) {}
}  // namespace qkv::cli
