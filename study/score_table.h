#pragma once

#include <optional>
#include <string>

#include "qkv/translation/evaluation.h"

namespace qkv {

/// The scores of one data set as a small table for people: in all, by the number of source words, and the alignment
/// error where there are gold links, at the reading that was chosen on the validation set, else at the best one here.
/// Behind each length stands its exact match as a bar, of # if that is `plain`; no line of scores is wider than 80
/// columns.
std::string score_table(const std::string& name, const Evaluation& evaluation,
                        const std::optional<AlignmentReading>& chosen, bool plain = false);

}  // namespace qkv
