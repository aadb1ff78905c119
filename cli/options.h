#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <fmt/format.h>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "qkv/translation/decoding.h"
#include "qkv/translation/range.h"

namespace qkv::cli {

/// The ranges of what several commands take.
inline constexpr Range<int> worker_range{1, 256};
inline constexpr Range<std::uint64_t> seed_range{0, std::numeric_limits<std::uint64_t>::max()};

/// Reads a number as people type it, strictly: a whole number is decimal digits, with a minus in front of a negative
/// one (010 is ten, 0x10 and 1e3 are none); a real one is what std::from_chars reads (0.5, .5, 5e-3) and finite.
/// Nothing may stand before or behind it. Throws std::invalid_argument, to be put behind the option's name: what is
/// wrong with the text, or that the number is not in the range, and always the range. Number: int, std::int64_t,
/// std::uint64_t or double.
template <class Number>
Number read_number(std::string_view text, const Range<Number>& range);

/// Adds an option whose value is text, which `read` takes. What `read` throws as std::invalid_argument is wrong usage
/// of the option.
CLI::Option* add_text(CLI::App& command, const std::string& name, const std::string& help,
                      std::function<void(const std::string&)> read);

/// Adds an option for a number in this range. Its help says the range and the default, its errors the range.
template <class Number>
CLI::Option* add_number(CLI::App& command, const std::string& name, Number& value, const std::string& help,
                        const Range<Number>& range) {
  return add_text(command, name, fmt::format("{} ({})", help, range.text()),
                  [&value, range](const std::string& text) { value = read_number(text, range); })
      ->type_name(std::is_integral_v<Number> ? "N" : "X")
      ->default_str(fmt::format("{}", value));
}

/// The same for a number that may be missing.
template <class Number>
CLI::Option* add_number(CLI::App& command, const std::string& name, std::optional<Number>& value,
                        const std::string& help, const Range<Number>& range) {
  return add_text(command, name, fmt::format("{} ({})", help, range.text()),
                  [&value, range](const std::string& text) { value = read_number(text, range); })
      ->type_name(std::is_integral_v<Number> ? "N" : "X");
}

/// Adds an option, or an argument without dashes, for a path of this kind (FILE, DIR, RUN). An empty one, as a script
/// gives whose variable is not set, is wrong usage.
CLI::Option* add_path(CLI::App& command, const std::string& name, std::string& value, const std::string& help,
                      const char* kind);

/// Adds an option for one of these names; `choose` gets its number in the list.
CLI::Option* add_choice(CLI::App& command, const std::string& name, const std::vector<std::string>& choices,
                        const std::string& help, std::function<void(std::size_t)> choose);

/// The option for a setting: --d-model for d_model.
std::string option_of(std::string setting);

/// A message of the library with options in place of the settings that it names: `d_model` becomes --d-model.
std::string with_options(std::string message);

/// Adds --beam and --length-penalty.
void add_decoding(CLI::App& command, DecodingOptions& decoding);

}  // namespace qkv::cli
