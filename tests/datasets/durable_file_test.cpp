#include "datasets/durable_file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <stdexcept>

#include "tests/datasets/temporary_folder.h"

namespace qkv {
namespace {

/// As if the disk were full: no file of this process may grow beyond `bytes`.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit limit = before_;
    limit.rlim_cur = bytes;
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FullDisk() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  void (*handler_)(int);
  rlimit before_{};
};

std::string write_error(const std::string& path, std::string_view bytes) {
  return message_of<std::runtime_error>([&] { write_durably(path, bytes); });
}

TEST(DurableFile, WritesAndReplaces) {
  const TemporaryFolder folder;
  const std::string path = folder / "model";
  write_durably(path, std::string_view("a\0b", 3));
  EXPECT_EQ(read_file(path), std::string("a\0b", 3));
  const std::string large(3'000'000, 'x');
  write_durably(path, large);
  EXPECT_EQ(read_file(path), large);
  write_durably(path, "");
  EXPECT_EQ(read_file(path), "");
  EXPECT_EQ(folder.size(), 1);
}

TEST(DurableFile, TakesAPathWithoutAFolder) {
  const TemporaryFolder folder;
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  EXPECT_NO_THROW(write_durably("model", "bytes"));
  std::filesystem::current_path(before);
  EXPECT_EQ(read_file(folder / "model"), "bytes");
}

TEST(DurableFile, KeepsTheOldFileWhenTheDiskIsFull) {
  const TemporaryFolder folder;
  const std::string path = folder.file("model", "old");
  std::string message;
  {
    const FullDisk full(1000);
    message = write_error(path, std::string(5000, 'x'));
  }
  EXPECT_EQ(message, path + ": cannot write: File too large");
  EXPECT_EQ(read_file(path), "old");
  EXPECT_EQ(folder.size(), 1) << "the temporary file is still there";
}

TEST(DurableFile, NamesThePathAndTheReason) {
  const TemporaryFolder folder;
  EXPECT_EQ(write_error(folder / "no/model", "x"), (folder / "no/model") + ": cannot write: No such file or directory");
  EXPECT_EQ(write_error(folder.path(), "x"), folder.path() + ": cannot write: Is a directory");
  const std::string file = folder.file("file", "x");
  EXPECT_EQ(write_error(file + "/model", "x"), file + "/model: cannot write: Not a directory");
  EXPECT_EQ(message_of<std::runtime_error>([&] { read_file(folder / "none"); }),
            (folder / "none") + ": cannot open: No such file or directory");
}

TEST(DurableFile, DoesNotReplaceADeviceOrAPipe) {
  const TemporaryFolder folder;
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(write_error(folder / "pipe", "x"), (folder / "pipe") + ": cannot write: not an ordinary file");
  EXPECT_TRUE(std::filesystem::is_fifo(folder / "pipe"));
}

TEST(DurableFile, FollowsASymbolicLink) {
  const TemporaryFolder folder;
  const std::string file = folder.file("file", "old");
  std::filesystem::create_symlink(file, folder / "link");
  write_durably(folder / "link", "new");
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "link"));
  EXPECT_EQ(read_file(file), "new");
}

}  // namespace
}  // namespace qkv
