#pragma once

#include <vector>

#include "qkv/study/gradchecks.h"

namespace qkv {

/// Every layer, then every model with its loss at the end. Their parameters are inputs of the check like any other.
std::vector<NamedGradcheck> layer_gradchecks();

}  // namespace qkv
