#pragma once

#include <array>

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

}  // namespace qkv
