#pragma once

#include <chrono>
#include <string>

#include "qkv/translation/trainer.h"

namespace qkv::cli {

/// Shows on standard error how training goes: on a terminal a bar that is drawn again and again, elsewhere a line for
/// each validation.
class Progress {
 public:
  explicit Progress(bool is_terminal) : is_terminal_(is_terminal) {}

  /// Ends the bar's line.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// What the trainer calls; the progress must outlive it.
  TrainingObserver observer();

 private:
  void start(const TrainingObserver::Start& start);
  void step(const TrainingObserver::Step& step);
  void line(const std::string& text);

  bool is_terminal_;
  bool bar_is_shown_ = false;
  std::chrono::steady_clock::time_point last_drawn_{};
};

}  // namespace qkv::cli
