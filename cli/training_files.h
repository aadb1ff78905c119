#pragma once

#include "qkv/translation/training_data.h"

namespace qkv::cli {

/// read_training_data; of a folder that is not there, its error says which command makes one.
TrainingData read_training_files(const TrainingConfig& config);

}  // namespace qkv::cli
