#include "qkv/study/gradchecks.h"

#include "qkv/study/check_layers.h"
#include "qkv/study/check_operations.h"

namespace qkv {

const std::vector<NamedGradcheck>& gradchecks() {
  static const std::vector<NamedGradcheck> all = [] {
    std::vector<NamedGradcheck> list;
    for (const OperationCase& operation : operation_cases())
      list.push_back({operation.name, "operation", [operation](std::uint64_t seed) {
                        return gradcheck(operation.function, operation.inputs,
                                         {.seed = seed, .sizes = operation.sizes});
                      }});
    for (NamedGradcheck& check : layer_gradchecks()) list.push_back(std::move(check));
    return list;
  }();
  return all;
}

}  // namespace qkv
