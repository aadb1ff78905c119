#pragma once

#include <string>

#include "qkv/translation/training_config.h"

namespace qkv {

/// What decides that a model has a parameter of this name: a setting with its value, such as "layers 3".
std::string setting_behind(const TrainingConfig& config, const std::string& parameter);

/// What decides the size of dimension `dimension` of the parameter of this name: settings with their values, such as
/// "d_model 64", or a vocabulary, such as "the lines of source.vocab". Found by changing one setting after the other in
/// a small model and looking at what becomes of the parameter.
std::string settings_behind(const TrainingConfig& config, const std::string& parameter, int dimension);

}  // namespace qkv
