#include "datasets/durable_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace qkv {
namespace {

[[noreturn]] void fail(const std::string& path, std::string_view action, int error) {
  throw std::runtime_error(fmt::format("{}: cannot {}: {}", path, action, std::strerror(error)));
}

/// An open file, closed at the end of the scope.
class Descriptor {
 public:
  Descriptor(const std::string& path, int flags) : number_(::open(path.c_str(), flags | O_CLOEXEC, 0666)) {}
  ~Descriptor() {
    if (is_open()) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  bool is_open() const { return number_ >= 0; }
  int number() const { return number_; }

  /// Closes now, because the last errors of a write (on a network disk) show only here.
  bool close() { return ::close(std::exchange(number_, -1)) == 0; }

 private:
  int number_;
};

/// The file that a name stands for. Moving a file over a device or a folder would destroy it, so those are refused.
std::string ordinary_file(const std::string& path) {
  std::error_code error;
  const std::filesystem::path target = std::filesystem::weakly_canonical(std::filesystem::absolute(path), error);
  if (error) fail(path, "write", error.value());
  const auto status = std::filesystem::status(target, error);
  if (std::filesystem::is_directory(status)) fail(path, "write", EISDIR);
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    throw std::runtime_error(fmt::format("{}: cannot write: not an ordinary file", path));
  }
  return target.string();
}

bool write_all(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

void write_durably(const std::string& path, std::string_view bytes) {
  const std::string target = ordinary_file(path);
  const std::string temporary = target + ".tmp";
  const std::string folder = std::filesystem::path(target).parent_path().string();

  Descriptor file(temporary, O_WRONLY | O_CREAT | O_TRUNC);
  if (!file.is_open()) fail(path, "write", errno);
  const bool replaced = write_all(file.number(), bytes) && ::fsync(file.number()) == 0 && file.close() &&
                        ::rename(temporary.c_str(), target.c_str()) == 0;
  if (!replaced) {
    const int error = errno;
    ::unlink(temporary.c_str());
    fail(path, "write", error);
  }

  Descriptor directory(folder, O_RDONLY | O_DIRECTORY);
  if (!directory.is_open()) fail(path, "flush the folder of", errno);
  // EINVAL: a file system that has no separate flush for folders; the rename is as durable as it can make it.
  if (::fsync(directory.number()) != 0 && errno != EINVAL) fail(path, "flush the folder of", errno);
}

std::string read_file(const std::string& path) {
  const Descriptor file(path, O_RDONLY);
  if (!file.is_open()) fail(path, "open", errno);
  struct stat status {};
  if (::fstat(file.number(), &status) != 0) fail(path, "read", errno);
  // The size is only a hint: a pipe has none, and a file may grow while it is read.
  std::string bytes(static_cast<std::size_t>(status.st_size) + 1, '\0');
  std::size_t filled = 0;
  while (true) {
    if (filled == bytes.size()) bytes.resize(bytes.size() * 2 + 4096);
    const ssize_t count = ::read(file.number(), bytes.data() + filled, bytes.size() - filled);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail(path, "read", errno);
    if (count == 0) break;
    filled += static_cast<std::size_t>(count);
  }
  bytes.resize(filled);
  return bytes;
}

}  // namespace qkv
