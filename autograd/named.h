#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

namespace qkv {

/// A value of an enumeration and its name in settings, files and messages. Beside each enumeration that people choose
/// from stands names_of(Choice), the list of its values.
template <class Choice>
struct Named {
  Choice value;
  const char* name;
};

/// The name of a value.
template <class Choice>
constexpr const char* name_of(Choice value) {
  for (const auto& [named, name] : names_of(value))
    if (named == value) return name;
  return nullptr;
}

/// The value of this name in such a list; none if it has no such name.
template <class Choice, std::size_t count>
constexpr std::optional<Choice> value_named(std::string_view name, const std::array<Named<Choice>, count>& list) {
  for (const auto& [value, its_name] : list)
    if (name == its_name) return value;
  return std::nullopt;
}

}  // namespace qkv
