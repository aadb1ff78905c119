#include "cli/messages.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <string_view>

namespace qkv::cli {

void tell(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stderr); }

std::string as_typed(const std::string& argument) {
  const auto is_plain = [](unsigned char c) {
    return std::isalnum(c) != 0 || c >= 0x80 ||
           std::string_view("_-./+:=,@").find(static_cast<char>(c)) != std::string_view::npos;
  };
  if (!argument.empty() && std::all_of(argument.begin(), argument.end(), is_plain)) return argument;
  std::string quoted = "'";
  for (const char c : argument) quoted += c == '\'' ? "'\\''" : std::string(1, c);
  return quoted + "'";
}

}  // namespace qkv::cli
