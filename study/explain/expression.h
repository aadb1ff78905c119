#pragma once

#include <string>
#include <vector>

#include "qkv/study/explain/formula.h"

namespace qkv {

/// The terms of a sum in letters, found from their addresses: what is the same in all terms stays, what differs becomes
/// an index, as in "Σ over k of queries[2,k] · keys[5,k] + query.bias[3]". Empty for no terms.
std::string expression_of_sum(const std::vector<Term>& terms);

/// What several terms of one factor look like: "scaled[2,k]" with an index for what differs.
std::string pattern_of(const std::vector<Term>& terms);

}  // namespace qkv
