#pragma once

#include <string>
#include <vector>

namespace qkv {

/// Why the gradient of this parameter, one of those whose gradient is `zero`, is zero by mathematics, whatever the
/// numbers are; empty if it is not. A key's bias is such a one: score(i, j) = qᵢ · (kⱼ + b) adds qᵢ · b to all scores
/// of query i, and softmax takes out what is added to all. If the key's weight is among the zero ones too, that is no
/// excuse: then the key is not used at all.
std::string why_gradient_is_zero(const std::string& parameter, const std::vector<std::string>& zero);

/// One line for each reason, with the parameters it holds for; a line apart for those without one.
std::vector<std::string> explain_zero_gradients(const std::vector<std::string>& parameters);

}  // namespace qkv
