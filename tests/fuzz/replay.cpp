// Stands in for libFuzzer where there is none: gives a target each file of the folders that are named, and what is left
// of it when it is cut short. Options, which begin with "-", are libFuzzer's and are passed over.

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <vector>

#include "tests/fuzz/fuzz.h"

int main(int argc, char** argv) {
  std::vector<std::filesystem::path> files;
  for (int i = 1; i < argc; ++i)
    if (argv[i][0] != '-')
      for (const auto& entry : std::filesystem::directory_iterator(argv[i])) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  for (const auto& path : files) {
    std::ifstream file(path, std::ios::binary);
    const std::vector<char> bytes(std::istreambuf_iterator<char>(file), {});
    fmt::print("{}: {} bytes\n", path.filename().string(), bytes.size());
    for (const std::size_t size : {bytes.size(), bytes.size() * 3 / 4, bytes.size() / 2}) {
      const std::vector<std::uint8_t> input(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
      LLVMFuzzerTestOneInput(input.data(), input.size());
    }
  }
  if (files.empty()) fmt::print(stderr, "there are no inputs\n");
  return files.empty() ? 1 : 0;
}
