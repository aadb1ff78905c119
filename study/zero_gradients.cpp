#include "qkv/study/zero_gradients.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <map>

namespace qkv {

std::string why_gradient_is_zero(const std::string& parameter, const std::vector<std::string>& zero) {
  const std::string key = parameter.substr(0, parameter.rfind('.'));
  const bool is_key_bias = parameter == key + ".bias" && (key == "key" || key.ends_with(".key"));
  if (is_key_bias && std::find(zero.begin(), zero.end(), key + ".weight") == zero.end())
    return "a key's bias adds the same to all scores of a query, and softmax takes that out";
  return "";
}

std::vector<std::string> explain_zero_gradients(const std::vector<std::string>& parameters) {
  std::map<std::string, std::vector<std::string>> by_reason;
  for (const std::string& parameter : parameters)
    by_reason[why_gradient_is_zero(parameter, parameters)].push_back(parameter);
  std::vector<std::string> lines;
  for (const auto& [reason, names] : by_reason)
    lines.push_back(reason.empty()
                        ? fmt::format("every derivative by {} is zero", fmt::join(names, ", "))
                        : fmt::format("zero by mathematics, because {}: {}", reason, fmt::join(names, ", ")));
  return lines;
}

}  // namespace qkv
