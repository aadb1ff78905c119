#include "qkv/translation/available_memory.h"

#include <filesystem>
#include <gtest/gtest.h>
#include <string>
#include <sys/resource.h>
#include <vector>

#include "qkv/files/durable_file.h"

namespace qkv {
namespace {

TEST(AvailableMemory, IsWhatTheProcessMayHave) {
  EXPECT_GT(available_bytes(), 1e8);
  EXPECT_LT(available_bytes(), 1e15);
#if !defined(__SANITIZE_ADDRESS__)  // which reserves terabytes
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_AS, &before), 0);
  rlimit limited = before;
  limited.rlim_cur = 7'000'000'000;
  ASSERT_EQ(::setrlimit(RLIMIT_AS, &limited), 0);
  EXPECT_LE(available_bytes(), 7e9);
  ASSERT_EQ(::setrlimit(RLIMIT_AS, &before), 0);
#endif
}

/// Whoever carries qkv to another system has one file to write anew.
TEST(AvailableMemory, NoOtherFileDependsOnLinux) {
  namespace fs = std::filesystem;
  std::vector<std::string> found;
  for (const char* folder :
       {"autograd", "layers", "files", "train", "datasets", "translation", "study", "cli", "examples"})
    for (const auto& entry : fs::recursive_directory_iterator(fs::path(QKV_SOURCE_DIR) / folder)) {
      if (entry.path().extension() != ".cpp" && entry.path().extension() != ".h") continue;
      const std::string text = read_file(entry.path().string());
      for (const char* sign :
           {"<linux/", "<sys/sysinfo.h>", "<sys/epoll.h>", "<sys/prctl.h>", "<sys/eventfd.h>", "<sys/signalfd.h>",
            "<sys/inotify.h>", "<sys/random.h>", "<sched.h>", "<malloc.h>", "\"/proc", "__linux__", "::syscall("})
        if (text.find(sign) != std::string::npos) found.push_back(entry.path().filename().string() + ": " + sign);
    }
  EXPECT_EQ(found, std::vector<std::string>{"available_memory.cpp: <sys/sysinfo.h>"});
}

}  // namespace
}  // namespace qkv
