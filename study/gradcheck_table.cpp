#include "qkv/study/gradcheck_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <map>

namespace qkv {

std::string gradcheck_head(int name_width) {
  return fmt::format("{:<{}}  {:<9} {:>7} {:>9} {:>8}\n", "name", name_width, "kind", "inputs", "Jacobian", "error");
}

namespace {

/// One line for each reason, with the inputs it holds for; a line apart for those without one.
std::vector<std::string> explained(const std::vector<ZeroGradient>& zero) {
  std::map<std::string, std::vector<std::string>> by_reason;
  for (const auto& [input, reason] : zero) by_reason[reason].push_back(input);
  std::vector<std::string> lines;
  for (const auto& [reason, names] : by_reason)
    lines.push_back(reason.empty()
                        ? fmt::format("every derivative by {} is zero", fmt::join(names, ", "))
                        : fmt::format("zero by mathematics, because {}: {}", reason, fmt::join(names, ", ")));
  return lines;
}

}  // namespace

std::string gradcheck_row(const NamedGradcheck& check, const GradcheckResult& result, int name_width) {
  const std::string entries = result.jacobian_entries > 0 ? std::to_string(result.jacobian_entries) : "-";
  std::string text = fmt::format("{:<{}}  {:<9} {:>7} {:>9} {:>8.1e}  {}\n", check.name, name_width, check.kind,
                                 result.inputs, entries, result.error, result.passed ? "ok" : "WRONG");
  if (!result.passed) text += "    " + result.message() + "\n";
  for (const std::string& line : explained(result.zero_gradients)) text += "    note: " + line + "\n";
  for (const std::string& note : result.notes) text += "    note: " + note + "\n";
  return text;
}

}  // namespace qkv
