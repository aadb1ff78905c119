#pragma once

#include <cstdint>
#include <cstring>
#include <string>

namespace qkv {

/// A file with this header, however wrong, and this many bytes of numbers.
inline std::string file_of(const std::string& header, std::size_t numbers) {
  const std::uint64_t length = header.size();
  std::string content(8, '\0');
  std::memcpy(content.data(), &length, 8);
  return content + header + std::string(numbers, '\1');
}

}  // namespace qkv
