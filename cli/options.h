#pragma once

#include <CLI/CLI.hpp>
#include <array>
#include <cstdint>
#include <fmt/format.h>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "qkv/autograd/named.h"
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

/// Adds an option for one of these texts, which `choose` gets.
CLI::Option* add_choice(CLI::App& command, const std::string& name, const std::vector<std::string>& choices,
                        const std::string& help, std::function<void(const std::string&)> choose);

/// Adds an option for one of these values by its name; `choose` gets the value.
template <class Choice, std::size_t count, class Choose>
CLI::Option* add_choice(CLI::App& command, const std::string& name, const std::array<Named<Choice>, count>& choices,
                        const std::string& help, Choose choose) {
  std::vector<std::string> names;
  for (const auto& [value, its_name] : choices) names.emplace_back(its_name);
  return add_choice(command, name, names, help,
                    [choices, choose](const std::string& chosen) { choose(*value_named(chosen, choices)); });
}

/// The same for a value of an enumeration that has names_of. The help says the default.
template <class Choice>
requires std::is_enum_v<Choice> CLI::Option* add_choice(CLI::App& command, const std::string& name, Choice& value,
                                                        const std::string& help) {
  return add_choice(command, name, names_of(value), help, [&value](Choice chosen) { value = chosen; })
      ->default_str(name_of(value));
}

/// The option for a setting: --d-model for d_model.
std::string option_of(std::string setting);

/// A message of the library with options in place of the settings that it names: `d_model` becomes --d-model.
std::string with_options(std::string message);

/// Adds --beam and --length-penalty.
void add_decoding(CLI::App& command, DecodingOptions& decoding);

}  // namespace qkv::cli
