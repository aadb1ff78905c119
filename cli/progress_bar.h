#pragma once

#include <cstdint>
#include <string>

namespace qkv::cli {

/// A line that is drawn over the one before it on the terminal behind standard error: a bar as wide as there is room
/// for, and behind it the text.
std::string bar_with(std::int64_t done, std::int64_t all, const std::string& text);

/// What takes such a line away.
inline constexpr const char* no_bar = "\r\033[K";

/// "1:05".
std::string minutes_and_seconds(double seconds);

}  // namespace qkv::cli
