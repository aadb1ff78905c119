#include "cli/training_files.h"

#include <filesystem>
#include <fmt/format.h>
#include <stdexcept>

namespace qkv::cli {

TrainingData read_training_files(const TrainingConfig& config) {
  try {
    return read_training_data(config);
  } catch (const std::runtime_error& error) {
    if (config.data.empty() || std::filesystem::exists(config.data)) throw;
    throw std::runtime_error(
        fmt::format("{0}; qkv data korean-english --out {1} makes one", error.what(), config.data));
  }
}

}  // namespace qkv::cli
