#pragma once

#include <cstddef>
#include <string_view>

namespace qkv {

/// How far a name that was typed is from one there is, or from an end of it that begins at a dot (norm1.weight, for one
/// of the norms): their edit distance, in which capitals and spaces do not count. Of what was typed only the first 200
/// letters are compared, so that the time is bounded.
std::size_t distance_to_name(std::string_view typed, std::string_view name);

}  // namespace qkv
