#pragma once

#include <span>
#include <string>

namespace qkv {

/// A horizontal bar of this share (0 to 1) of `width` columns, in eighths of a column where it is not plain: blocks, or
/// # for terminals that have none.
std::string bar(double share, int width, bool plain = false);

/// The loss of each step, from the first to the last, as at most `rows` bars for people, one line each: the mean of
/// about as many steps each, the longest bar for the largest. Lines take at most 80 columns. Empty where there are
/// no losses. Those that are not finite have no bar.
std::string loss_curve(std::span<const double> losses, int rows = 10, bool plain = false);

}  // namespace qkv
