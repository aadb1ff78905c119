#pragma once

#include <memory>

#include "qkv/translation/seq2seq.h"
#include "qkv/translation/training_config.h"

namespace qkv {

/// The model that these settings describe, its parameters not yet initialised. Compiled for float, double and dual
/// numbers. Throws std::invalid_argument if a setting is out of range, and what `check_new` throws, which looks at each
/// parameter before it is added. Until the parameters' values are asked for, the model takes little memory.
template <class T>
std::unique_ptr<Seq2Seq<T>> make_model(const TrainingConfig& config, int source_words, int target_words,
                                       const ParameterCheck& check_new = {});

/// How many positions a Transformer has: room for the longest training pair and for the longest translation of its
/// source, whatever they are.
int positions_of(const TrainingConfig& config);

}  // namespace qkv
