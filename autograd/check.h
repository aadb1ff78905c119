#pragma once

#include <fmt/format.h>
#include <stdexcept>
#include <string>
#include <utility>

#include "qkv/autograd/in_module.h"

namespace qkv {

/// Throws std::invalid_argument with the message, and the module it happened in, unless `ok`.
template <class... Args>
void check(bool ok, fmt::format_string<Args...> message, Args&&... args) {
  if (ok) [[likely]]
    return;
  std::string text = fmt::format(message, std::forward<Args>(args)...);
  if (current_module != nullptr) text += fmt::format(" (in {})", current_module);
  throw std::invalid_argument(text);
}

}  // namespace qkv
