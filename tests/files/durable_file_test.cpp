#include "qkv/files/durable_file.h"

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <stdexcept>
#include <sys/resource.h>
#include <sys/stat.h>
#include <thread>

#include "tests/files/temporary_folder.h"

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

TEST(DurableFile, NeverTouchesAFileThatIsNamedLikeATemporaryOne) {
  const TemporaryFolder folder;
  const std::string mine = folder.file("mine", "years of work");
  const std::string tmp = folder.file("model.tmp", "mine too");
  std::filesystem::create_symlink(mine, folder / "vocabulary.tmp");
  write_durably(folder / "model", "new");
  write_durably(folder / "vocabulary", "new");
  EXPECT_EQ(read_file(tmp), "mine too");
  EXPECT_EQ(read_file(mine), "years of work");
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "vocabulary.tmp"));
  EXPECT_EQ(folder.size(), 5) << "a temporary file is still there";
}

TEST(DurableFile, ManyWritersOfOneFileLeaveOneOfTheirVersions) {
  const TemporaryFolder folder;
  const std::string path = folder / "model";
  std::vector<std::thread> writers;
  for (const char letter : {'a', 'b', 'c', 'd'})
    writers.emplace_back([&path, letter] {
      for (int i = 0; i < 50; ++i) write_durably(path, std::string(10'000, letter));
    });
  for (std::thread& writer : writers) writer.join();
  const std::string left = read_file(path);
  EXPECT_EQ(left, std::string(10'000, left.front()));
  EXPECT_EQ(folder.size(), 1);
}

TEST(DurableFile, KeepsThePermissionsOfAFileThatItReplaces) {
  const TemporaryFolder folder;
  const auto permissions = [&](const std::string& path) {
    struct stat status {};
    ::stat(path.c_str(), &status);
    return status.st_mode & 0777;
  };
  const mode_t before = ::umask(027);
  write_durably(folder / "new", "x");
  EXPECT_EQ(permissions(folder / "new"), 0640U);
  for (const mode_t mode : {0600U, 0664U}) {
    ASSERT_EQ(::chmod((folder / "new").c_str(), mode), 0);
    write_durably(folder / "new", "y");
    EXPECT_EQ(permissions(folder / "new"), mode);
  }
  ::umask(before);
}

TEST(DurableFile, WritesAFileWithTheLongestNameThereIs) {
  const TemporaryFolder folder;
  const std::string path = folder / std::string(255, 'n');
  write_durably(path, "x");
  EXPECT_EQ(read_file(path), "x");
  EXPECT_EQ(write_error(folder / std::string(256, 'n'), "x"),
            (folder / std::string(256, 'n')) + ": cannot write: File name too long");
}

TEST(DurableFile, KnowsTheNamesOfItsTemporaryFiles) {
  EXPECT_TRUE(is_temporary_of("model.safetensors.abcdefgh.tmp", "model.safetensors"));
  for (const char* name : {"model.safetensors", "model.safetensors.tmp", "model.safetensors.abcdefg.tmp",
                           "model.safetensors.ABCDEFGH.tmp", "model.safetensors.abcdefgh.tm", "notes.abcdefgh.tmp"})
    EXPECT_FALSE(is_temporary_of(name, "model.safetensors")) << name;
}

TEST(DurableFile, AnEmptyPathIsTheCallersMistake) { EXPECT_THROW(write_durably("", "x"), std::invalid_argument); }

TEST(ReadFile, DoesNotWaitForEverForAPipeThatNobodyWritesTo) {
  const TemporaryFolder folder;
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(message_of<std::runtime_error>([&] { read_file(folder / "pipe"); }),
            (folder / "pipe") + ": this is a pipe that nobody writes to");
}

TEST(ReadFile, ReadsAPipeToItsEndHoweverSlowlyItIsWritten) {
  const TemporaryFolder folder;
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  std::thread writer([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    std::ofstream pipe(folder / "pipe");
    for (int i = 0; i < 3; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      pipe << std::string(100'000, static_cast<char>('a' + i)) << std::flush;
    }
  });
  const std::string read = read_file(folder / "pipe");
  writer.join();
  EXPECT_EQ(read, std::string(100'000, 'a') + std::string(100'000, 'b') + std::string(100'000, 'c'));
}

TEST(ReadFile, RefusesADevice) {
  EXPECT_EQ(message_of<std::runtime_error>([] { read_file("/dev/zero"); }),
            "/dev/zero: cannot read: neither an ordinary file nor a pipe");
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
