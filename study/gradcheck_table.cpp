#include "qkv/study/gradcheck_table.h"

#include <fmt/format.h>

#include "qkv/study/zero_gradients.h"

namespace qkv {

std::string gradcheck_head(int name_width) {
  return fmt::format("{:<{}}  {:<9} {:>7} {:>9} {:>8}\n", "name", name_width, "kind", "inputs", "Jacobian", "error");
}

std::string gradcheck_row(const NamedGradcheck& check, const GradcheckResult& result, int name_width) {
  const std::string entries = result.jacobian_entries > 0 ? std::to_string(result.jacobian_entries) : "-";
  std::string text = fmt::format("{:<{}}  {:<9} {:>7} {:>9} {:>8.1e}  {}\n", check.name, name_width, check.kind,
                                 result.inputs, entries, result.error, result.passed ? "ok" : "WRONG");
  if (!result.passed) text += "    " + result.message() + "\n";
  for (const std::string& line : explain_zero_gradients(result.zero_gradients)) text += "    note: " + line + "\n";
  for (const std::string& note : result.notes) text += "    note: " + note + "\n";
  return text;
}

}  // namespace qkv
