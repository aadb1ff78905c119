#include "qkv/translation/run_lock.h"

#include <cctype>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <stdexcept>
#include <sys/file.h>
#include <unistd.h>
#include <utility>

namespace qkv {
namespace {

/// The number that the process which holds the lock wrote into the file.
std::string owner_in(int file) {
  char text[32];
  const ssize_t count = ::pread(file, text, sizeof text, 0);
  std::string number;
  for (ssize_t i = 0; i < count && std::isdigit(static_cast<unsigned char>(text[i])) != 0; ++i) number += text[i];
  return number.empty() ? "another process" : "process " + number;
}

[[noreturn]] void report_owner(int file, const std::string& what) {
  const std::string owner = owner_in(file);
  ::close(file);
  throw std::runtime_error(fmt::format("{} is being trained by {}; wait until that ends, or stop it", what, owner));
}

}  // namespace

RunLock::RunLock(const std::string& path, const std::string& what)
    : file_(::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666)) {
  if (file_ < 0) throw std::runtime_error(fmt::format("{}: cannot write: {}", path, std::strerror(errno)));
  if (::flock(file_, LOCK_EX | LOCK_NB) != 0) {
    const int error = errno;
    if (error == EWOULDBLOCK) report_owner(file_, what);
    why_not_held_ = std::strerror(error);
    return;
  }
  const std::string number = fmt::format("{}\n", ::getpid());
  if (::ftruncate(file_, 0) != 0 ||
      ::pwrite(file_, number.data(), number.size(), 0) != static_cast<ssize_t>(number.size())) {
    const int error = errno;
    ::close(file_);
    throw std::runtime_error(fmt::format("{}: cannot write: {}", path, std::strerror(error)));
  }
}

void RunLock::check_free(const std::string& path, const std::string& what) {
  const int file = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (file < 0) return;
  if (::flock(file, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK) report_owner(file, what);
  ::close(file);
}

RunLock::~RunLock() {
  if (file_ >= 0) ::close(file_);
}

RunLock::RunLock(RunLock&& other) noexcept
    : file_(std::exchange(other.file_, -1)), why_not_held_(std::move(other.why_not_held_)) {}

}  // namespace qkv
