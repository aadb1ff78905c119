#include <cstring>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <set>

#include "qkv/autograd/check.h"
#include "qkv/files/durable_file.h"
#include "qkv/files/header_json.h"
#include "qkv/files/safetensors.h"
#include "qkv/files/safetensors_format.h"
#include "qkv/files/utf8.h"

namespace qkv {
namespace {

using namespace safetensors;

/// A name or the metadata as JSON.
std::string text_of(std::string_view value) {
  check(!invalid_utf8(value), "write_safetensors: a name or the metadata is not UTF-8");
  return json_string(value);
}

std::string text_of(const std::map<std::string, std::string>& metadata) {
  std::string text;
  for (const auto& [name, value] : metadata) {
    text += text.empty() ? '{' : ',';
    text += text_of(name) + ':' + text_of(value);
  }
  return text + '}';
}

/// The length and the header of a file with these tensors, padded with spaces so that the numbers start on 8 bytes.
std::string make_header(std::span<const StoredTensor> tensors, const std::map<std::string, std::string>& metadata) {
  std::string text = "{";
  const auto add = [&](const std::string& name, const std::string& value) {
    if (text.size() > 1) text += ',';
    (text += text_of(name)) += ':';
    text += value;
  };
  if (!metadata.empty()) add("__metadata__", text_of(metadata));
  std::set<std::string> names;
  std::uint64_t begin = 0;
  for (const StoredTensor& tensor : tensors) {
    check(!tensor.name.empty(), "write_safetensors: a tensor has no name");
    check(tensor.name != "__metadata__", "write_safetensors: no tensor may be named '__metadata__'");
    check(names.insert(tensor.name).second, "write_safetensors: two tensors are named '{}'", tensor.name);
    check(tensor.shape.size() <= most_dimensions,
          "write_safetensors: tensor '{}' has {} dimensions, more than the {} allowed", tensor.name,
          tensor.shape.size(), most_dimensions);
    check(bytes_needed(tensor.dtype, tensor.shape) == tensor.bytes.size(),
          "write_safetensors: tensor '{}': {} [{}] does not fit {} bytes", tensor.name, dtype_name(tensor.dtype),
          fmt::join(tensor.shape, ", "), tensor.bytes.size());
    const std::uint64_t end = begin + tensor.bytes.size();
    add(tensor.name, fmt::format(R"({{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})", dtype_name(tensor.dtype),
                                 fmt::join(tensor.shape, ","), begin, end));
    begin = end;
  }
  text += '}';
  text.resize((text.size() + 7) / 8 * 8, ' ');
  check(text.size() <= longest_header, "write_safetensors: a header of {} bytes is more than the {} allowed",
        text.size(), longest_header);
  const std::uint64_t length = text.size();
  std::string start(length_bytes, '\0');
  std::memcpy(start.data(), &length, length_bytes);
  return start + text;
}

}  // namespace

void write_safetensors(const std::string& path, std::span<const StoredTensor> tensors,
                       const std::map<std::string, std::string>& metadata) {
  std::string content = make_header(tensors, metadata);
  for (const StoredTensor& tensor : tensors) content += tensor.bytes;
  write_durably(path, content);
}

}  // namespace qkv
