#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

namespace qkv {

/// A file that grows while a run is trained: one JSON object a line, each about one "step" of the training.
class StepLog {
 public:
  /// Opens the file to go on after `last_step`: lines of later steps, which a crash may have left behind, are removed,
  /// and with last_step 0 all of them. Throws std::runtime_error if it cannot be read or written.
  StepLog(const std::string& path, std::int64_t last_step);

  /// Adds a line that ends in a line feed. Throws std::runtime_error where it is known that this failed.
  void write(std::string_view line);

  /// Makes sure that all lines are in the file and on the disk. Throws std::runtime_error if one could not be written.
  void flush();

  /// The step of the last line that was kept when the file was opened; -1 if there was none.
  std::int64_t last_step() const { return last_step_; }

 private:
  [[noreturn]] void fail() const;

  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::string path_;
  std::unique_ptr<std::FILE, Close> file_;
  std::int64_t last_step_ = -1;
};

}  // namespace qkv
