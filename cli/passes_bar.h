#pragma once

#include <chrono>
#include <cstdint>

namespace qkv::cli {

/// Shows on standard error, if that is a terminal that draws, how many passes of how many are done. It goes away with
/// its end.
class PassesBar {
 public:
  PassesBar();
  ~PassesBar();
  PassesBar(const PassesBar&) = delete;
  PassesBar& operator=(const PassesBar&) = delete;

  void show(std::int64_t done, std::int64_t all);

 private:
  bool draws_;
  bool is_shown_ = false;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now(), last_drawn_{};
};

}  // namespace qkv::cli
