#pragma once

#include <vector>

#include "qkv/datasets/pair.h"
#include "qkv/datasets/tokeniser.h"
#include "qkv/translation/run_folder.h"
#include "qkv/translation/training_config.h"

namespace qkv {

/// The tokenisers of a new run of these settings, which learn from the training pairs what there is to learn. Throws
/// std::invalid_argument if `bpe_size` is too small for them.
Tokenisers tokenisers_for(const TrainingConfig& config, const std::vector<Pair>& training);

/// Those of a run that is there. Throws std::runtime_error naming the file that is missing or damaged.
Tokenisers load_tokenisers(const RunFolder& folder, const TrainingConfig& config);

/// Writes what load_tokenisers reads besides the settings and vocabularies.
void save_tokenisers(const RunFolder& folder, const Tokenisers& tokenisers);

}  // namespace qkv
