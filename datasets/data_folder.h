#pragma once

#include <string>
#include <vector>

#include "qkv/datasets/pair.h"

namespace qkv {

/// A file of a data set that was made: its name, such as "train.csv", and what is in it.
struct MadeFile {
  std::string name;
  const std::vector<Pair>& pairs;
};

/// Writes the files into `folder`, which is made if it is not there. Throws std::runtime_error if a file cannot be
/// written, and before anything is written if one of these files is there and holds anything else, unless `overwrite`;
/// std::invalid_argument if `folder` is empty.
void write_data_folder(const std::string& folder, const std::vector<MadeFile>& files, bool overwrite);

}  // namespace qkv
