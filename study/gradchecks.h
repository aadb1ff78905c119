#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "qkv/autograd/gradcheck/gradcheck.h"

namespace qkv {

/// One entry of the list that `qkv gradcheck` goes through.
struct NamedGradcheck {
  std::string name;  ///< such as "attention causal padding"
  std::string kind;  ///< "operation", "layer" or "model"
  std::function<GradcheckResult(std::uint64_t seed)> run;
};

/// Everything in qkv that has a backward pass: every operation, then every layer, then every model.
const std::vector<NamedGradcheck>& gradchecks();

}  // namespace qkv
