#include "qkv/files/durable_file.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <new>
#include <stdexcept>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include "qkv/autograd/check.h"
#include "qkv/autograd/random.h"
#include "qkv/files/file_error.h"
#include "qkv/files/file_reader.h"

namespace qkv {
namespace {

/// An open file, closed at the end of the scope.
class Descriptor {
 public:
  Descriptor(const std::string& path, int flags) : number_(::open(path.c_str(), flags | O_CLOEXEC, 0666)) {}
  ~Descriptor() {
    if (is_open()) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;

  bool is_open() const { return number_ >= 0; }
  int number() const { return number_; }

  /// Closes now, because the last errors of a write (on a network disk) show only here.
  bool close() { return ::close(std::exchange(number_, -1)) == 0; }

 private:
  int number_;
};

/// The file that a name stands for. Moving a file over a device or a folder would destroy it, so those are refused.
std::string ordinary_file(const std::string& path) {
  check(!path.empty(), "a file to write has no name");
  std::error_code error;
  const std::filesystem::path target = std::filesystem::weakly_canonical(std::filesystem::absolute(path), error);
  if (error) throw_file_error(path, "write", error.value());
  const auto status = std::filesystem::status(target, error);
  if (std::filesystem::is_directory(status)) throw_file_error(path, "write", EISDIR);
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

constexpr std::string_view temporary_end = ".tmp";
constexpr std::size_t random_letters = 8;
constexpr std::size_t longest_file_name = 255;  // of a file, in bytes, on the file systems that people use

/// The name of a file as it begins the names of its temporary ones.
std::string beginning_of_temporary(const std::string& name) {
  return name.substr(0, longest_file_name - random_letters - temporary_end.size() - 1) + '.';
}

/// Eight letters that are not likely to have been used before; that the name is new is left to O_EXCL.
std::string unlikely_letters() {
  static std::atomic<std::uint64_t> count{0};
  const auto now = static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
  std::uint64_t number = mix64(mix64(now) + mix64(static_cast<std::uint64_t>(::getpid())) + ++count);
  std::string letters;
  for (std::size_t i = 0; i < random_letters; ++i, number /= 26) letters += static_cast<char>('a' + number % 26);
  return letters;
}

/// A new file beside the target, under a name that nobody has: an existing one is neither followed nor emptied.
struct Temporary {
  explicit Temporary(const std::filesystem::path& target)
      : path((target.parent_path() / (beginning_of_temporary(target.filename().string()) + unlikely_letters()))
                 .concat(temporary_end)
                 .string()),
        file(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW) {}

  std::string path;
  Descriptor file;
};

Temporary make_temporary(const std::string& target) {
  while (true) {
    Temporary temporary(target);
    if (temporary.file.is_open() || errno != EEXIST) return temporary;
  }
}

/// A file that is replaced keeps its permissions.
bool take_permissions(int file, const std::string& target) {
  struct stat old {};
  return ::stat(target.c_str(), &old) != 0 || ::fchmod(file, old.st_mode & 0777) == 0;
}

}  // namespace

bool is_temporary_of(const std::string& name, const std::string& file) {
  const std::string beginning = beginning_of_temporary(file);
  if (!name.starts_with(beginning) || !name.ends_with(temporary_end)) return false;
  const std::string_view letters =
      std::string_view(name).substr(beginning.size(), name.size() - beginning.size() - temporary_end.size());
  return letters.size() == random_letters &&
         std::all_of(letters.begin(), letters.end(), [](char c) { return c >= 'a' && c <= 'z'; });
}

void write_durably(const std::string& path, std::string_view bytes) {
  const std::string target = ordinary_file(path);
  const std::string folder = std::filesystem::path(target).parent_path().string();

  Temporary temporary = make_temporary(target);
  Descriptor& file = temporary.file;
  if (!file.is_open()) throw_file_error(path, "write", errno);
  const bool replaced = take_permissions(file.number(), target) && write_all(file.number(), bytes) &&
                        ::fsync(file.number()) == 0 && file.close() &&
                        ::rename(temporary.path.c_str(), target.c_str()) == 0;
  if (!replaced) {
    const int error = errno;
    ::unlink(temporary.path.c_str());
    throw_file_error(path, "write", error);
  }

  Descriptor directory(folder, O_RDONLY | O_DIRECTORY);
  if (!directory.is_open()) throw_file_error(path, "flush the folder of", errno);
  // EINVAL: a file system that has no separate flush for folders; the rename is as durable as it can make it.
  if (::fsync(directory.number()) != 0 && errno != EINVAL) throw_file_error(path, "flush the folder of", errno);
}

void remove_file(const std::string& path) {
  std::error_code error;
  std::filesystem::remove(path, error);
  if (error) throw_file_error(path, "remove", error.value());
}

std::string read_file(const std::string& path) {
  FileReader file(path);
  std::string bytes;
  std::size_t filled = 0;
  try {
    bytes.resize(file.size_when_opened() + 1);
    for (std::size_t count = 1; count > 0; filled += count) {
      if (filled == bytes.size()) bytes.resize(bytes.size() * 2 + 4096);
      count = file.read(bytes.data() + filled, bytes.size() - filled);
    }
  } catch (const std::bad_alloc&) {
    throw std::runtime_error(fmt::format("{}: {} bytes and more do not fit into memory", path,
                                         std::max<std::size_t>(filled, file.size_when_opened())));
  }
  bytes.resize(filled);
  return bytes;
}

}  // namespace qkv
