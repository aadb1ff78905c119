// Settings that are accepted are written and read back as the same settings; their ranges are checked without a crash.

#include <cmath>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "qkv/translation/training_memory.h"
#include "tests/fuzz/fuzz.h"

using namespace qkv;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::string path = fuzz_folder() + "/input.json", copy = fuzz_folder() + "/copy.json";
  write_input(path, text_of(data, size));
  TrainingConfig config, again;
  if (!accepts(path, [&] { config = read_settings_file(path).config; })) return 0;
  write_input(copy, to_json(config).dump(2));
  again = read_settings_file(copy).config;
  require(to_json(config) == to_json(again), "settings are read back");
  try {
    check_settings(config);
  } catch (const std::invalid_argument&) {
    return 0;
  }
  require(std::isfinite(config.lr) && std::isfinite(config.clip), "settings in range are finite");
  const auto* transformer = std::get_if<TransformerConfig>(&config.model);
  require(transformer == nullptr || transformer->d_model % transformer->heads == 0, "heads divide the features");
  require(bytes_to_train(config, 4, 4) > 0, "a model takes memory");
  return 0;
}
