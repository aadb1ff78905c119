#include "qkv/datasets/data_folder.h"

#include <filesystem>
#include <fmt/format.h>
#include <stdexcept>
#include <utility>

#include "qkv/autograd/check.h"
#include "qkv/datasets/csv.h"
#include "qkv/files/durable_file.h"

namespace qkv {

void write_data_folder(const std::string& folder, const std::vector<MadeFile>& files, bool overwrite) {
  check(!folder.empty(), "write data: the folder's name is empty");
  const std::filesystem::path path(folder);
  std::vector<std::pair<std::string, std::string>> texts;
  for (const MadeFile& file : files) texts.emplace_back((path / file.name).string(), pairs_as_csv(file.pairs));
  if (!overwrite)
    for (const auto& [file, text] : texts)
      if (std::filesystem::exists(file) && read_file(file) != text)
        throw std::runtime_error(fmt::format(
            "{} exists already and is not what would be written; choose another `out`, or give `overwrite`", file));
  std::filesystem::create_directories(path);
  for (const auto& [file, text] : texts) write_durably(file, text);
}

}  // namespace qkv
