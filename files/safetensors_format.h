#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

/// What readers and writers of safetensors agree on.
namespace qkv::safetensors {

static_assert(std::endian::native == std::endian::little, "safetensors are little-endian and are copied as they are");

inline constexpr std::size_t length_bytes = 8;
// What the reference implementation accepts: a longer header is a broken length rather than a model.
inline constexpr std::uint64_t longest_header = 100'000'000;
inline constexpr std::size_t most_dimensions = 64;

}  // namespace qkv::safetensors
