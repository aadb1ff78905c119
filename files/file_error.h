#pragma once

#include <cstring>
#include <fmt/format.h>
#include <stdexcept>
#include <string>
#include <string_view>

namespace qkv {

/// Throws std::runtime_error: "PATH: cannot ACTION: what this errno means".
[[noreturn]] inline void throw_file_error(const std::string& path, std::string_view action, int error) {
  throw std::runtime_error(fmt::format("{}: cannot {}: {}", path, action, std::strerror(error)));
}

}  // namespace qkv
