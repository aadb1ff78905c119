#pragma once

#include <memory>

#include "layers/seq2seq.h"
#include "train/training_config.h"

namespace qkv {

/// The model that these settings describe, its parameters not yet initialised. Compiled for float and double.
/// Throws std::invalid_argument if a setting is out of range.
template <class T>
std::unique_ptr<Seq2Seq<T>> make_model(const TrainingConfig& config, int source_words, int target_words);

}  // namespace qkv
