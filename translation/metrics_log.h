#pragma once

#include <cstdint>
#include <string>

#include "qkv/translation/step_log.h"

namespace qkv {

/// metrics.jsonl of a run: one JSON object a line, one line a step or validation.
class MetricsLog {
 public:
  struct Step {
    std::int64_t step;
    std::uint64_t epoch;
    double loss, lr, gradient_norm, tokens_per_second;
  };
  struct Validation {
    std::int64_t step;
    double loss, bleu, exact_match;
  };

  /// Opens the file to go on after `last_step`; see StepLog.
  MetricsLog(const std::string& path, std::int64_t last_step) : lines_(path, last_step) {}

  void step(const Step& step);
  void validation(const Validation& validation);

  /// Makes sure that all lines are in the file and on the disk. Throws std::runtime_error if one could not be written.
  void flush() { lines_.flush(); }

 private:
  StepLog lines_;
};

}  // namespace qkv
