#pragma once

#include <optional>
#include <string>

namespace qkv {

/// Keeps other processes from training into a folder while this one does: an advisory lock (flock) on the file `path`,
/// which is made if it is not there, holds this process's number and stays. The lock itself ends with the process,
/// however that ends.
class RunLock {
 public:
  /// `what` is what errors call the folder. Throws std::runtime_error: "WHAT is being trained by process N", or that
  /// the file cannot be written.
  RunLock(const std::string& path, const std::string& what);
  ~RunLock();
  RunLock(RunLock&& other) noexcept;
  RunLock& operator=(RunLock&&) = delete;
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;

  /// Throws as the constructor does if another process holds the lock, and writes nothing. No such file is no lock.
  static void check_free(const std::string& path, const std::string& what);

  /// Why there is no lock, on a file system that has none; nothing where it is held.
  const std::optional<std::string>& why_not_held() const { return why_not_held_; }

 private:
  int file_;
  std::optional<std::string> why_not_held_;
};

}  // namespace qkv
