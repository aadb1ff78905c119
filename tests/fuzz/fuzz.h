#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

/// What libFuzzer calls with every input; each target defines it. It crashes where a property does not hold.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace qkv {

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// Ends the program, which is how a fuzzer hears of a fault, unless `holds`.
void require(bool holds, std::string_view property);

/// Calls `load`; true if the input is accepted. Refusing it must be a std::runtime_error whose text has `path` in it;
/// anything else is a fault.
bool accepts(const std::string& path, const std::function<void()>& load);

/// A folder of this process's own, in memory where the system has such a place; removed when the process ends.
const std::string& fuzz_folder();

/// Writes the text, quickly rather than durably, and returns the path.
std::string write_input(const std::string& path, std::string_view text);

}  // namespace qkv
