#include "qkv/translation/training_data.h"

#include <filesystem>
#include <fmt/format.h>
#include <stdexcept>

#include "qkv/autograd/check.h"
#include "qkv/autograd/random.h"
#include "qkv/datasets/csv.h"
#include "qkv/datasets/tokenised_pairs.h"

namespace qkv {

namespace fs = std::filesystem;

TrainingData read_training_data(const TrainingConfig& config) {
  check(!config.data.empty() || !config.train.empty(),
        "there is nothing to train on; give `data` DIR or `train` F.csv");
  check(config.data.empty() || (config.train.empty() && config.valid.empty() && config.test.empty()),
        "`data` names all files; `train`, `valid` and `test` cannot be given with it");
  TrainingData data;
  if (config.data.empty()) {
    data.train = read_pairs(config.train);
    if (!config.valid.empty()) data.valid = read_pairs(data.valid_file = config.valid);
    if (!config.test.empty()) data.tests.push_back({"test", config.test, read_pairs(config.test)});
    return data;
  }
  const fs::path folder = config.data;
  if (!fs::is_directory(folder))
    throw std::runtime_error(
        fs::exists(folder)
            ? fmt::format("`data` {0} is a file; `data` names a folder with train.csv, and `train` {0} a single file",
                          config.data)
            : fmt::format("there is no folder {}", config.data));
  if (!fs::exists(folder / "train.csv"))
    throw std::runtime_error(
        fmt::format("{}: there is no train.csv in this folder, which `data` trains on; a file of any other name is "
                    "given as `train`",
                    config.data));
  const auto file = [&](const std::string& name) { return (folder / (name + ".csv")).string(); };
  data.train = read_pairs(file("train"));
  if (fs::exists(file("valid"))) data.valid = read_pairs(data.valid_file = file("valid"));
  for (const std::string name : test_sets)
    if (fs::exists(file(name))) data.tests.push_back({name, file(name), read_pairs(file(name))});
  return data;
}

TrainingData tokenised(TrainingData data, const Tokenisers& tokenisers) {
  data.train = tokenised(std::move(data.train), tokenisers);
  data.valid = tokenised(std::move(data.valid), tokenisers);
  for (TrainingData::Test& test : data.tests) test.pairs = tokenised(std::move(test.pairs), tokenisers);
  return data;
}

std::uint64_t hash_of(const std::vector<Pair>& pairs) {
  std::uint64_t hash = pairs.size();
  const auto add = [&](const std::vector<std::string>& words) {
    for (const std::string& word : words) {
      for (const char letter : word) hash = mix64(hash + static_cast<unsigned char>(letter) + 1);
      hash = mix64(hash);
    }
    hash = mix64(hash + 1);
  };
  for (const Pair& pair : pairs) {
    add(pair.source);
    add(pair.target);
  }
  return hash;
}

}  // namespace qkv
