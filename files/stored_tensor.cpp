#include "qkv/files/stored_tensor.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace qkv {
namespace {

constexpr Dtype all_dtypes[] = {Dtype::F32, Dtype::F64, Dtype::I32, Dtype::I64};

template <class T>
constexpr Dtype dtype_of() {
  if constexpr (std::is_same_v<T, float>) return Dtype::F32;
  if constexpr (std::is_same_v<T, double>) return Dtype::F64;
  if constexpr (std::is_same_v<T, std::int32_t>) return Dtype::I32;
  if constexpr (std::is_same_v<T, std::int64_t>) return Dtype::I64;
}

template <class T>
std::vector<T> copy_numbers(std::string_view bytes) {
  std::vector<T> numbers(bytes.size() / sizeof(T));
  if (!numbers.empty()) std::memcpy(numbers.data(), bytes.data(), bytes.size());
  return numbers;
}

template <class To, class From>
std::vector<To> converted(std::string_view bytes) {
  const std::vector<From> numbers = copy_numbers<From>(bytes);
  std::vector<To> result(numbers.size());
  std::transform(numbers.begin(), numbers.end(), result.begin(), [](From x) { return static_cast<To>(x); });
  return result;
}

}  // namespace

std::string_view dtype_name(Dtype dtype) {
  switch (dtype) {
    case Dtype::F32:
      return "F32";
    case Dtype::F64:
      return "F64";
    case Dtype::I32:
      return "I32";
    case Dtype::I64:
      return "I64";
  }
  throw std::invalid_argument(fmt::format("dtype_name: {} is no dtype", static_cast<int>(dtype)));
}

std::size_t dtype_size(Dtype dtype) { return dtype == Dtype::F32 || dtype == Dtype::I32 ? 4 : 8; }

std::optional<Dtype> dtype_named(std::string_view name) {
  for (const Dtype dtype : all_dtypes) {
    if (name == dtype_name(dtype)) return dtype;
  }
  return std::nullopt;
}

std::optional<std::uint64_t> bytes_needed(Dtype dtype, const std::vector<std::int64_t>& shape) {
  std::int64_t bytes = static_cast<std::int64_t>(dtype_size(dtype));
  for (const std::int64_t dimension : shape) {
    if (dimension < 0 || __builtin_mul_overflow(bytes, dimension, &bytes)) return std::nullopt;
  }
  return static_cast<std::uint64_t>(bytes);
}

template <class T>
StoredTensor StoredTensor::of(std::string name, std::vector<std::int64_t> shape, std::span<const T> values) {
  const std::string_view bytes(reinterpret_cast<const char*>(values.data()), values.size_bytes());
  return {std::move(name), dtype_of<T>(), std::move(shape), bytes};
}

template <class T>
std::vector<T> StoredTensor::as() const {
  if (dtype == dtype_of<T>()) return copy_numbers<T>(bytes);
  if constexpr (std::is_same_v<T, float>) {
    if (dtype == Dtype::F64) return converted<float, double>(bytes);
  } else if constexpr (std::is_same_v<T, double>) {
    if (dtype == Dtype::F32) return converted<double, float>(bytes);
  } else if constexpr (std::is_same_v<T, std::int64_t>) {
    if (dtype == Dtype::I32) return converted<std::int64_t, std::int32_t>(bytes);
  }
  throw std::invalid_argument(fmt::format("tensor '{}' holds {}, which cannot be read as {}", name, dtype_name(dtype),
                                          dtype_name(dtype_of<T>())));
}

template StoredTensor StoredTensor::of(std::string, std::vector<std::int64_t>, std::span<const float>);
template StoredTensor StoredTensor::of(std::string, std::vector<std::int64_t>, std::span<const double>);
template StoredTensor StoredTensor::of(std::string, std::vector<std::int64_t>, std::span<const std::int32_t>);
template StoredTensor StoredTensor::of(std::string, std::vector<std::int64_t>, std::span<const std::int64_t>);
template std::vector<float> StoredTensor::as() const;
template std::vector<double> StoredTensor::as() const;
template std::vector<std::int32_t> StoredTensor::as() const;
template std::vector<std::int64_t> StoredTensor::as() const;

}  // namespace qkv
