#include "qkv/files/file_reader.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <stdexcept>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

#include "qkv/files/file_error.h"

namespace qkv {
namespace {

struct stat status_of(const std::string& path, int file) {
  struct stat status {};
  if (::fstat(file, &status) != 0) throw_file_error(path, "read", errno);
  return status;
}

bool same_time(const timespec& a, const timespec& b) { return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec; }

constexpr int patience_in_tenths = 50;  // how long to wait for somebody who writes to a named pipe

}  // namespace

// O_NONBLOCK: opening a named pipe that nobody writes to would wait for ever otherwise.
FileReader::FileReader(const std::string& path)
    : path_(path), file_(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)) {
  if (file_ < 0) throw_file_error(path, "open", errno);
  try {
    const struct stat status = status_of(path, file_);
    if (S_ISDIR(status.st_mode)) throw_file_error(path, "read", EISDIR);
    is_pipe_ = S_ISFIFO(status.st_mode);
    if (!is_pipe_ && !S_ISREG(status.st_mode))
      throw std::runtime_error(fmt::format("{}: cannot read: neither an ordinary file nor a pipe", path));
    size_when_opened_ = static_cast<std::size_t>(status.st_size);
    changed_ = status.st_mtim;
  } catch (...) {  // no destructor runs
    ::close(file_);
    throw;
  }
}

FileReader::~FileReader() { ::close(file_); }

std::size_t FileReader::read(char* bytes, std::size_t size) {
  std::size_t filled = 0;
  while (filled < size && !has_ended_) {
    const ssize_t count = ::read(file_, bytes + filled, size - filled);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) {  // there is a writer, who has nothing to say yet
      tenths_ = 0;
      wait_for_writer();
      continue;
    }
    if (count < 0) throw_file_error(path_, "read", errno);
    if (count == 0 && is_pipe_ && read_ == 0) {
      wait_for_writer();
      continue;
    }
    has_ended_ = count == 0;
    filled += static_cast<std::size_t>(count);
    read_ += static_cast<std::size_t>(count);
  }
  if (has_ended_) check_unchanged();
  return filled;
}

void FileReader::check_unchanged() const {
  if (is_pipe_) return;
  const struct stat after = status_of(path_, file_);
  if (static_cast<std::size_t>(after.st_size) != read_ || !same_time(after.st_mtim, changed_))
    throw std::runtime_error(fmt::format("{}: the file changed while it was read; is somebody writing to it?", path_));
}

/// Waits until there is something to read from the pipe, its end among that.
void FileReader::wait_for_writer() {
  if (tenths_++ == patience_in_tenths)
    throw std::runtime_error(fmt::format("{}: this is a pipe that nobody writes to", path_));
  pollfd waiting{file_, POLLIN, 0};
  ::poll(&waiting, 1, 100);
}

}  // namespace qkv
