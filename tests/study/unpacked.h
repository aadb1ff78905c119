#pragma once

#include <cstdio>
#include <gtest/gtest.h>
#include <memory>
#include <string>

#include "tests/files/temporary_folder.h"

namespace qkv {

/// What `base64 -d | gunzip` makes of a text.
inline std::string unpacked(const std::string& packed) {
  const TemporaryFolder folder;
  const std::string command = "base64 -d '" + folder.file("packed", packed) + "' | gunzip";
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  std::string text;
  for (int c = 0; pipe && (c = std::fgetc(pipe.get())) != EOF;) text += static_cast<char>(c);
  return text;
}

}  // namespace qkv
