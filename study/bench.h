#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "qkv/translation/training_config.h"

namespace qkv {

/// A training step to time. One step is forward, loss, backward, clipping to norm 1 and Adam, in float; post-norm, no
/// dropout, every sentence full.
struct BenchConfig {
  std::string name = "custom";
  ModelConfig model = TransformerConfig{};  ///< its vocabularies are those below
  int batch_size = 32;
  int length = 10;       ///< of source and target
  int vocabulary = 200;  ///< of each side
};

/// The standard configurations by name: micro, toy, small, multi30k and base are Transformers, gru a GRU with dot
/// attention and input feeding.
const std::vector<BenchConfig>& standard_bench_configs();

/// How long the steps took.
struct BenchResult {
  std::string config;
  int workers = 0;
  double median_ms = 0;
  double min_ms = 0;
  double tokens_per_second = 0;  ///< source and target words at the median
  std::int64_t parameters = 0;
  double tape_mb = 0;  ///< the most memory that values, gradients and closures took, in 10⁶ bytes
};

/// Runs steps of random sentences for so many seconds, after three that warm up.
/// Throws std::invalid_argument if a size is out of range.
BenchResult run_bench(const BenchConfig& config, int workers, double seconds);

}  // namespace qkv
