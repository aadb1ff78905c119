#include "tests/fuzz/fuzz.h"

#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <stdexcept>
#include <unistd.h>

namespace qkv {

namespace fs = std::filesystem;

void require(bool holds, std::string_view property) {
  if (holds) return;
  fmt::print(stderr, "this does not hold: {}\n", property);
  std::abort();
}

bool accepts(const std::string& path, const std::function<void()>& load) {
  try {
    load();
    return true;
  } catch (const std::runtime_error& error) {
    const std::string_view message = error.what();
    if (message.find(path) == std::string_view::npos) fmt::print(stderr, "{}\n", message);
    require(message.find(path) != std::string_view::npos, "a message names the file");
    require(message.size() < 2000 + path.size(), "a message is short");
  }
  return false;
}

const std::string& fuzz_folder() {
  struct Folder {
    std::string path;
    Folder() {
      const fs::path memory = "/dev/shm";
      path = ((fs::is_directory(memory) ? memory : fs::temp_directory_path()) / "qkv_fuzz_XXXXXX").string();
      require(::mkdtemp(path.data()) != nullptr, "a folder can be made");
    }
    ~Folder() { fs::remove_all(path); }
  };
  static const Folder folder;
  return folder.path;
}

std::string write_input(const std::string& path, std::string_view text) {
  std::ofstream file(path, std::ios::binary);
  file.write(text.data(), static_cast<std::streamsize>(text.size()));
  file.close();
  require(file.good(), "an input can be written");
  return path;
}

}  // namespace qkv
