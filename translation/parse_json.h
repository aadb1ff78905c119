#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <stdexcept>
#include <string>
#include <string_view>

namespace qkv {

/// A text that is no JSON, or none that qkv reads. what() says what is wrong; whoever knows the file says where.
class JsonError : public std::runtime_error {
 public:
  JsonError(std::size_t at, const std::string& what) : std::runtime_error(what), byte(at) {}
  std::size_t byte;  ///< how many bytes had been read, which is behind the mistake
};

/// Reads JSON that somebody else may have written: settings and metrics. The parser needs no more stack for
/// a deep text than for a flat one, and no more memory than a small multiple of the text.
/// Throws JsonError: no valid JSON, a name that occurs twice in one object (of which others keep the last in silence),
/// a number that is too large, lists and objects inside each other more than 16 deep, more than 100,000 values.
nlohmann::json parse_json(std::string_view text);

/// A value in a message: short texts and numbers as they are, long ones cut, "a list" or "an object".
std::string described(const nlohmann::json& value);

}  // namespace qkv
