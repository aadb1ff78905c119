#pragma once

#include <string>

#include "qkv/study/compare/comparison.h"

namespace qkv {

/// The comparison as tables for people, within 80 columns: exact match by length on training and unseen sentences,
/// the other scores, exact match by width where RNN models of other widths were trained, and what a word costs.
std::string comparison_table(const Comparison& comparison);

}  // namespace qkv
