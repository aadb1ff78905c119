#pragma once

#include <string>

#include "qkv/translation/training_config.h"

namespace qkv {

/// What the model that these settings describe takes, computed without making it. The numbers are exact up to 2⁵³.
struct ModelSize {
  double parameters = 0;  ///< numbers that are learnt
  double positions = 0;   ///< numbers in tables of sinusoids, which are not
  double tensors = 0;     ///< how many parameters with a name of their own
};
ModelSize size_of_model(const TrainingConfig& config, int source_words, int target_words);

/// How many bytes training holds before the first batch: the parameters, Adam's two moments, a gradient for each
/// worker, tables of positions, names.
double bytes_to_train(const TrainingConfig& config, int source_words, int target_words);

/// Throws std::runtime_error that names the settings to blame, and how much they take, if this machine has less memory
/// than that, or if this process may not use as much.
void check_memory(const TrainingConfig& config, int source_words, int target_words);

/// How much memory training takes, and the settings that make it so much: for an error's end.
std::string memory_advice(const TrainingConfig& config, int source_words, int target_words);

}  // namespace qkv
