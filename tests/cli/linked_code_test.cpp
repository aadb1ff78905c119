// Which compilation of a function the program has: an operation is compiled in every file that uses it, and the linker
// takes one of them.
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace {

/// A function of qkv's templates, by its name in the object files, and the object it was found in.
using Compiled = std::pair<std::string, std::string>;

struct Account {
  std::map<std::string, std::string> kept;  // the object that each function was taken from
  std::vector<Compiled> left_out;
};

/// What the linker says it did.
Account account_of(const std::string& path) {
  std::ifstream file(path);
  Account account;
  bool is_left_out = false;
  std::string function;
  for (std::string line; std::getline(file, line);) {
    if (line == "Discarded input sections") is_left_out = true;
    if (line == "Memory Configuration") is_left_out = false;
    std::istringstream words(line);
    std::string word, object;
    while (words >> word) {
      if (word.starts_with(".text")) function = word.find("._ZN3qkv") == std::string::npos ? "" : word;
      if (word.ends_with(".o") || word.ends_with(".o)")) object = word;
    }
    if (object.empty() || function.empty()) continue;  // on the same line as the function's name, or on the next
    if (is_left_out)
      account.left_out.emplace_back(function, object);
    else
      account.kept.emplace(function, object);
    function.clear();
  }
  return account;
}

/// Whether the program begins with it; see cli/CMakeLists.txt.
bool trains(const std::string& object) {
  return object.find("qkv_models.") != std::string::npos || object.find("qkv_train.") != std::string::npos;
}

TEST(LinkedCode, WhatTrainsIsCompiledToBeQuick) {
  const Account account = account_of(QKV_LINK_MAP);
  int of_others = 0;
  for (const auto& [function, object] : account.left_out) {
    ASSERT_TRUE(account.kept.contains(function)) << function;
    const std::string& taken = account.kept.at(function);
    if (trains(object)) {
      EXPECT_TRUE(trains(taken)) << function << " of " << object << " was taken from " << taken;
    } else {
      of_others += trains(taken) ? 1 : 0;
    }
  }
  EXPECT_GT(of_others, 100) << "the checks have operations in common with the models: " << QKV_LINK_MAP;
}

}  // namespace
