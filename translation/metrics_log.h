#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>

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

  /// Opens the file to go on after `last_step`: lines of later steps, which a crash may have left behind, are removed,
  /// and with last_step 0 all of them. Throws std::runtime_error if it cannot be read or written.
  MetricsLog(const std::string& path, std::int64_t last_step);

  void step(const Step& step);
  void validation(const Validation& validation);

  /// Makes sure that all lines are in the file and on the disk. Throws std::runtime_error if one could not be written.
  void flush();

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::string path_;
  std::unique_ptr<std::FILE, Close> file_;
};

}  // namespace qkv
