#pragma once

#include <string>

#include "qkv/translation/training_config.h"

namespace qkv {

/// How many bytes training holds before the first batch: the parameters, what the optimiser remembers, a gradient
/// for each worker, tables of positions, names.
double bytes_to_train(const TrainingConfig& config, int source_vocabulary, int target_vocabulary);

/// Throws std::runtime_error that names the settings to blame, and how much they take, if this machine has less memory
/// than that, or if this process may not use as much.
void check_memory(const TrainingConfig& config, int source_vocabulary, int target_vocabulary);

/// How much memory training takes, and the settings that make it so much: for an error's end.
std::string memory_advice(const TrainingConfig& config, int source_vocabulary, int target_vocabulary);

}  // namespace qkv
