#pragma once

#include <string>

#include "qkv/study/gradchecks.h"

namespace qkv {

/// The names of the columns of gradcheck_row, and how far apart they stand: the names of checks take `name_width`.
std::string gradcheck_head(int name_width);

/// A gradient check as one line for people: its name and kind, by how many numbers it was differentiated, how many
/// entries of the Jacobian were compared one by one ("-": products with random directions only), the largest error
/// |a − b| / s, and "ok" or "WRONG". What is wrong, and what should be known besides, stands in lines below it.
std::string gradcheck_row(const NamedGradcheck& check, const GradcheckResult& result, int name_width);

/// Why gradients are zero by mathematics, a line for each reason, for the end of the table: they are the same again and
/// again.
std::string zero_by_mathematics(const std::vector<ZeroGradient>& zero);

}  // namespace qkv
