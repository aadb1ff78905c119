#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace qkv {

/// A not-a-number, in float and in double, that no computation makes by itself; what is added to it stays that. Memory
/// that is to be written is filled with it where writes are looked at.
inline constexpr std::uint32_t unwritten_bits = 0x7ffa5a5a;

template <class T>
void mark_unwritten(T* numbers, std::int64_t count) {
  static_assert(sizeof(T) % sizeof(unwritten_bits) == 0);
  auto* bytes = reinterpret_cast<unsigned char*>(numbers);
  for (std::int64_t i = 0; i < count * std::int64_t{sizeof(T)}; i += sizeof(unwritten_bits))
    std::memcpy(bytes + i, &unwritten_bits, sizeof(unwritten_bits));
}

/// Whether this number, the value of a dual, was not written since, or only added to.
template <class T>
bool is_unwritten(const T& number) {
  constexpr std::size_t size = std::min(sizeof(T), sizeof(double));
  for (std::size_t i = 0; i < size; i += sizeof(unwritten_bits))
    if (std::memcmp(reinterpret_cast<const unsigned char*>(&number) + i, &unwritten_bits, sizeof(unwritten_bits)) != 0)
      return false;
  return true;
}

}  // namespace qkv
