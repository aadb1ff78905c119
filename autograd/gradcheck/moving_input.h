#pragma once

#include <vector>

#include "qkv/autograd/gradcheck/gradcheck.h"

namespace qkv::gradcheck_detail {

/// The numbers of an input on duals, element j of which moves in direction k < count by direction(k, j).
template <class Direction>
std::vector<DualDouble> moving(const CheckInput& input, int count, Direction direction) {
  std::vector<DualDouble> numbers(input.values.begin(), input.values.end());
  for (std::size_t j = 0; j < numbers.size(); ++j)
    for (int k = 0; k < count; ++k) numbers[j].d[k] = direction(k, j);
  return numbers;
}

}  // namespace qkv::gradcheck_detail
