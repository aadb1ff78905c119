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
  std::string name;       ///< of the value: words of letters, digits and `. _ #`, a space between them
  std::vector<int> index;

  friend bool operator==(const Address&, const Address&) = default;
};

/// Reads an address; spaces are allowed between its parts. Any bytes are refused that are none, never read past.
/// Throws std::invalid_argument that says what is wrong where.
Address parse_address(std::string_view text);

/// What a text that is no address may have been meant as, whatever it is: its words up to the first number that stands
/// by itself are the name, that number and those after it the indices, four at most.
Address likely_address(std::string_view text);

/// As people write it, and parse_address reads it.
std::string to_text(const Address& address);

/// The address of an entry of a matrix: "weights[2,5]".
std::string address_in(const std::string& name, int row, int column);

/// Which element of row-major numbers an index means, and back.
std::int64_t element_at(std::span<const int> sizes, std::span<const int> index);
std::vector<int> index_of(std::span<const int> sizes, std::int64_t element);

}  // namespace qkv
