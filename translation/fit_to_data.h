#pragma once

#include <string>
#include <vector>

#include "qkv/datasets/pair.h"
#include "qkv/translation/training_config.h"

namespace qkv {

/// Chooses, for the pairs of a training set, as tokens, of which those within `max_length` count, the settings that are
/// not `given` (by their names), so that a small set is trained for long enough and a large one as before:
/// - `batch_size`, unless there are `batch_words`: 64, and less for fewer than 1024 pairs, so that an epoch is 16 steps
/// or more; at least 8.
/// - `epochs`, unless `steps` are given: 16, and more for a small set, so that there are 4000 steps.
/// - `warmup`: 400 steps, and no more than a tenth of all.
/// - `dropout` and `lr` of recurrent models: 0.2 and 0.002 for fewer than 10,000 pairs, which they would learn by
/// heart.
/// - `lr` of `optimizer` sgd: 0.05, for it moves by the gradient itself, where Adam moves each number by about `lr`.
/// - `validate_every`: each epoch, and where there are more than 20, 20 times.
/// What it chose is in the configuration, and so in config.json of the run.
void fit_to_data(TrainingConfig& config, const std::vector<std::string>& given, const std::vector<Pair>& pairs);

}  // namespace qkv
