#pragma once

#include <functional>
#include <string>

#include "qkv/datasets/encoded_pairs.h"
#include "qkv/translation/training_config.h"

namespace qkv {

/// The pairs that a training learns from: all but those longer than `max_length`, which `tell` is told of. `token`
/// names one of what they are counted in (see name_of_token). Throws std::invalid_argument if none is left, or if one
/// does not fit a batch of `batch_words`.
EncodedPairs training_pairs(const std::vector<Pair>& pairs, const Vocabulary& source, const Vocabulary& target,
                            const TrainingConfig& config, const std::string& token,
                            const std::function<void(const std::string&)>& tell);

}  // namespace qkv
