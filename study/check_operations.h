#pragma once

#include <string>
#include <vector>

#include "qkv/study/generic_function.h"

namespace qkv {

/// One use of an operation that is checked.
struct OperationCase {
  std::string name;
  GenericFunction function;
  std::vector<CheckInput> inputs;
  NamedSizes sizes = {};  ///< what a wrong factor may come from
};

/// Every operation of autograd/ops.h, one line each; several for those that have several ways to be used.
const std::vector<OperationCase>& operation_cases();

}  // namespace qkv
