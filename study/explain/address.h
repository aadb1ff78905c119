#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace qkv {

/// Where a number stands: `weights[2,5]`, its gradient `d weights[2,5]`, `loss`. Indices count from 0.
struct Address {
  bool gradient = false;  ///< ∂loss / ∂ the number
  std::string name;       ///< of the value: letters, digits and `. _ #`
  std::vector<int> index;

  friend bool operator==(const Address&, const Address&) = default;
};

/// Reads an address; spaces are allowed between its parts. Any bytes are refused that are none, never read past.
/// Throws std::invalid_argument that says what is wrong where.
Address parse_address(std::string_view text);

/// As people write it, and parse_address reads it.
std::string to_text(const Address& address);

/// The address of an entry of a matrix: "weights[2,5]".
std::string address_in(const std::string& name, int row, int column);

/// Which element of row-major numbers an index means, and back.
std::int64_t element_at(std::span<const int> sizes, std::span<const int> index);
std::vector<int> index_of(std::span<const int> sizes, std::int64_t element);

}  // namespace qkv
