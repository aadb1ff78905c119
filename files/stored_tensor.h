#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace qkv {

/// The types of number that qkv keeps in files; the format knows more, which are refused when reading.
enum class Dtype { F32, F64, I32, I64 };

/// The dtype's name in a file: "F32", "F64", "I32" or "I64".
std::string_view dtype_name(Dtype dtype);

/// The dtype of this name, or nothing if qkv does not know it.
std::optional<Dtype> dtype_named(std::string_view name);

/// The number of bytes one number of this type takes.
std::size_t dtype_size(Dtype dtype);

/// A tensor in a safetensors file: its name, its shape and a view of its numbers, row-major and little-endian. The view
/// belongs to somebody else: the SafetensorsFile that was read, or the caller's memory that is to be written. It may
/// start at any address, so it is read through as() rather than through a cast.
struct StoredTensor {
  std::string name;
  Dtype dtype = Dtype::F32;
  std::vector<std::int64_t> shape;
  std::string_view bytes;

  /// A tensor to write, looking at `values`, which must live until it is written. T: float, double, int32_t, int64_t.
  template <class T>
  static StoredTensor of(std::string name, std::vector<std::int64_t> shape, std::span<const T> values);

  /// How many numbers it holds: the product of the shape, 1 for a scalar, whose shape is [].
  std::size_t count() const { return bytes.size() / dtype_size(dtype); }

  /// Its numbers as T: float, double, int32_t or int64_t. Real numbers may be asked for in either width (float rounds
  /// to nearest), integers in their own or a wider one; anything else throws std::invalid_argument.
  template <class T>
  std::vector<T> as() const;
};

/// The bytes that a tensor of this dtype and shape takes, or nothing if a dimension is negative or the product too
/// large.
std::optional<std::uint64_t> bytes_needed(Dtype dtype, const std::vector<std::int64_t>& shape);

}  // namespace qkv
