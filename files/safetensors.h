#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "qkv/files/stored_tensor.h"

namespace qkv {

/// A safetensors file in memory: eight bytes with the length of the header, the header in JSON, then the numbers.
/// Format: https://github.com/huggingface/safetensors, section "Format". Copies share the memory.
class SafetensorsFile {
 public:
  /// Reads a file and checks all of it. Throws std::runtime_error "PATH: …", naming the tensor where it can, if the
  /// file is cut short, its header is too long or no valid JSON, a name is empty or occurs twice, a dtype is unknown, a
  /// shape is no shape or too large, or the tensors overlap, leave holes or lie outside the file.
  static SafetensorsFile read(const std::string& path);

  /// The same for a file's content that is in memory already; `path` is what errors call it.
  static SafetensorsFile parse(std::string content, std::string path);

  /// The tensor of this name. Throws std::runtime_error that names the file and the nearest name in it.
  const StoredTensor& tensor(std::string_view name) const;

  bool contains(std::string_view name) const;

  /// All tensors in the order of their numbers in the file, which is the order they were written in.
  const std::vector<StoredTensor>& tensors() const { return tensors_; }

  /// The file's "__metadata__": free text by name.
  const std::map<std::string, std::string>& metadata() const { return metadata_; }

  const std::string& path() const { return path_; }

 private:
  const StoredTensor* find(std::string_view name) const;
  const StoredTensor* nearest_to(std::string_view name) const;

  std::string path_;
  std::shared_ptr<const std::string> content_;
  std::vector<StoredTensor> tensors_;
  std::vector<std::size_t> by_name_;  // indices of tensors_, sorted by their names
  std::map<std::string, std::string> metadata_;
};

/// Writes the tensors in the order given, durably: a crash leaves the old file or the new one. Throws
/// std::invalid_argument if a name is empty, not UTF-8, "__metadata__" or used twice, or if a shape does not fit its
/// bytes or has more than 64 dimensions; std::runtime_error if the file cannot be written.
void write_safetensors(const std::string& path, std::span<const StoredTensor> tensors,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace qkv
