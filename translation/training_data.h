#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "qkv/datasets/pair.h"
#include "qkv/datasets/tokeniser.h"
#include "qkv/translation/training_config.h"

namespace qkv {

/// The files of one training run, read.
struct TrainingData {
  std::vector<Pair> train;
  std::vector<Pair> valid;  ///< may be empty
  std::string valid_file;   ///< where they were read
  struct Test {
    std::string name;  ///< its key in test.json
    std::string file;
    std::vector<Pair> pairs;
  };
  std::vector<Test> tests;
};

/// The test files that a folder of data may have, without ".csv".
inline constexpr std::array<const char*, 3> test_sets{"test", "long", "composition"};

/// Reads the files that the settings name: `data`, or `train`, `valid` and `test`.
/// Throws std::invalid_argument if neither names training data or both do, and what read_pairs throws.
TrainingData read_training_data(const TrainingConfig& config);

/// The data as a model reads it.
TrainingData tokenised(TrainingData data, const Tokenisers& tokenisers);

/// A number that changes with every word of the pairs: a checkpoint holds that of the data that it was trained on.
std::uint64_t hash_of(const std::vector<Pair>& pairs);

}  // namespace qkv
