#pragma once

#include <string>
#include <vector>

#include "qkv/datasets/csv.h"
#include "tests/cli/program.h"

namespace qkv {

/// Three Korean numerals and their English translation in reverse order, which attention can learn in seconds, with
/// links: pair i of 512.
inline Pair numerals(int i) {
  static const std::vector<std::string> korean{"하나", "둘", "셋", "넷", "다섯", "여섯", "일곱", "여덟"};
  static const std::vector<std::string> english{"one", "two", "three", "four", "five", "six", "seven", "eight"};
  const std::size_t digits[] = {static_cast<std::size_t>(i % 8), static_cast<std::size_t>(i / 8 % 8),
                                static_cast<std::size_t>(i / 64 % 8)};
  Pair pair;
  for (int j = 0; j < 3; ++j) {
    pair.source.push_back(korean[digits[j]]);
    pair.target.push_back(english[digits[2 - j]]);
    pair.links.push_back({j, 2 - j, true});
  }
  return pair;
}

/// Writes train.csv, valid.csv and test.csv to the folder "data" of the program, so many pairs each, all different.
inline void write_small_data(const Program& program, int train = 24, int valid = 8, int test = 8) {
  std::filesystem::create_directory(program.folder() / "data");
  int next = 0;
  for (const auto& [name, count] : {std::pair("train", train), std::pair("valid", valid), std::pair("test", test)}) {
    std::vector<Pair> pairs;
    for (int i = 0; i < count; ++i) pairs.push_back(numerals(next++ * 181 % 512));  // 181 is odd: all 512 in some order
    write_pairs(program.folder() / ("data/" + std::string(name) + ".csv"), pairs);
  }
}

/// The smallest model that is of any use in a test.
inline Arguments train_tiny(const std::string& run, const Arguments& more = {}) {
  Arguments arguments{"train", "--data", "data", "--out",     run, "--d-model",    "8", "--heads",  "2", "--layers",
                      "1",     "--ff",   "16",   "--workers", "1", "--batch-size", "8", "--warmup", "2"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

/// A program whose folder has data and "run", a model as it is before training.
inline void write_initial_run(const Program& program) {
  write_small_data(program);
  const Outcome outcome = program(train_tiny("run", {"--steps", "0"}));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
}

}  // namespace qkv
