#include "qkv/study/gradcheck_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <map>

namespace qkv {

std::string gradcheck_head(int name_width) {
  return fmt::format("{:<{}}  {:<9} {:>7} {:>9} {:>8}\n", "name", name_width, "kind", "inputs", "Jacobian", "error");
}

namespace {

/// The inputs that nothing depends on though it should.
std::vector<std::string> without_reason(const std::vector<ZeroGradient>& zero) {
  std::vector<std::string> names;
  for (const auto& [input, reason] : zero)
    if (reason.empty()) names.push_back(input);
  return names;
}

}  // namespace

std::string gradcheck_row(const NamedGradcheck& check, const GradcheckResult& result, int name_width) {
  const std::string entries = result.jacobian_entries > 0 ? std::to_string(result.jacobian_entries) : "-";
  std::string text = fmt::format("{:<{}}  {:<9} {:>7} {:>9} {:>8.1e}  {}\n", check.name, name_width, check.kind,
                                 result.inputs, entries, result.error, result.passed ? "ok" : "WRONG");
  if (!result.passed) text += "    " + result.message() + "\n";
  if (const auto names = without_reason(result.zero_gradients); !names.empty())
    text += fmt::format("    note: every derivative by {} is zero\n", fmt::join(names, ", "));
  for (const std::string& note : result.notes) text += "    note: " + note + "\n";
  return text;
}

std::string zero_by_mathematics(const std::vector<ZeroGradient>& zero) {
  std::map<std::string, std::vector<std::string>> by_reason;
  for (const auto& [input, reason] : zero)
    if (!reason.empty()) by_reason[reason].push_back(input);
  std::string text;
  for (const auto& [reason, names] : by_reason)
    text += names.size() == 1 ? fmt::format("{} has no gradient, because {}.\n", names[0], reason)
                              : fmt::format("{} parameters, such as {}, have no gradient, because {}.\n", names.size(),
                                            names[0], reason);
  return text;
}

}  // namespace qkv
