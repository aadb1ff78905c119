#include "qkv/files/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <set>
#include <stdexcept>
#include <tuple>
#include <utility>

#include "qkv/datasets/text.h"
#include "qkv/datasets/visible_text.h"
#include "qkv/files/durable_file.h"
#include "qkv/translation/parse_json.h"

namespace qkv {
namespace {

using nlohmann::json;

static_assert(std::endian::native == std::endian::little, "safetensors are little-endian and are copied as they are");

constexpr std::size_t length_bytes = 8;
// What the reference implementation accepts: a longer header is a broken length rather than a model.
constexpr std::uint64_t longest_header = 100'000'000;
constexpr std::size_t most_dimensions = 64;
constexpr std::size_t longest_name = 200;  // in messages, in bytes

/// Reads one file's content; every error starts with the file's path.
class Reader {
 public:
  Reader(const std::string& content, const std::string& path) : content_(content), path_(path) {}

  void read(std::vector<StoredTensor>& tensors, std::map<std::string, std::string>& metadata) {
    std::vector<Placed> placed;
    const std::string_view header = find_header();
    try {
      parse_json_object(header, [&](const std::string& name, const json& entry) {
        if (name == "__metadata__") {
          read_metadata(entry, metadata);
        } else {
          placed.push_back(read_tensor(name, entry));
          placed.back().position = placed.size();
        }
      });
    } catch (const JsonError& error) {
      fail("the header is not valid JSON at its byte {}: {}", error.byte, error.what());
    }
    check_places(placed);
    tensors.reserve(placed.size());
    for (Placed& one : placed) tensors.push_back(std::move(one.tensor));
  }

 private:
  struct Placed {
    StoredTensor tensor;
    std::uint64_t begin;
    std::uint64_t end;
    std::size_t position;  // in the header; decides between empty tensors at the same place
  };

  template <class... Arguments>
  [[noreturn]] void fail(fmt::format_string<Arguments...> what, Arguments&&... arguments) const {
    throw std::runtime_error(fmt::format("{}: {}", path_, fmt::format(what, std::forward<Arguments>(arguments)...)));
  }

  std::string_view find_header() {
    if (content_.size() < length_bytes) {
      fail("only {}, too short for a safetensors file; was it cut short?", counted(content_.size(), "byte"));
    }
    std::uint64_t length = 0;
    std::memcpy(&length, content_.data(), length_bytes);
    if (length > longest_header) {
      fail("says its header is {} bytes long, more than the {} allowed; is it a safetensors file?", length,
           longest_header);
    }
    if (length > content_.size() - length_bytes) {
      fail("says its header is {} bytes long, but only {} follow; was it cut short?", length,
           counted(content_.size() - length_bytes, "byte"));
    }
    const std::string_view text = std::string_view(content_).substr(length_bytes, length);
    numbers_ = std::string_view(content_).substr(length_bytes + length);
    if (!text.starts_with('{')) fail("the header does not begin with '{{'; is it a safetensors file?");
    return text;
  }

  void read_metadata(const json& entry, std::map<std::string, std::string>& metadata) const {
    if (!entry.is_object()) fail("__metadata__ is not an object");
    for (const auto& [name, value] : entry.items()) {
      if (!value.is_string()) fail("__metadata__: '{}' is not a string", excerpt(name, longest_name));
      metadata.emplace(name, value.get<std::string>());
    }
  }

  Placed read_tensor(const std::string& full_name, const json& entry) const {
    const std::string name = excerpt(full_name, longest_name);  // in messages
    if (name.empty()) fail("a tensor has no name");
    if (!entry.is_object()) fail("tensor '{}': not an object", name);
    for (const char* field : {"dtype", "shape", "data_offsets"}) {
      if (!entry.contains(field)) fail("tensor '{}': no '{}'", name, field);
    }
    for (const auto& field : entry.items()) {
      if (field.key() != "dtype" && field.key() != "shape" && field.key() != "data_offsets") {
        fail("tensor '{}': unknown field '{}'", name, excerpt(field.key(), longest_name));
      }
    }
    Placed placed{{full_name, read_dtype(name, entry["dtype"]), read_shape(name, entry["shape"]), {}}, 0, 0, 0};
    std::tie(placed.begin, placed.end) = read_offsets(name, entry["data_offsets"]);
    StoredTensor& tensor = placed.tensor;
    const std::optional<std::uint64_t> bytes = bytes_needed(tensor.dtype, tensor.shape);
    if (!bytes) fail("tensor '{}': shape [{}] is too large", name, fmt::join(tensor.shape, ", "));
    if (placed.end - placed.begin != *bytes) {
      fail("tensor '{}': {} [{}] needs {} bytes, but its offsets [{}, {}] hold {}", name, dtype_name(tensor.dtype),
           fmt::join(tensor.shape, ", "), *bytes, placed.begin, placed.end, placed.end - placed.begin);
    }
    tensor.bytes = numbers_.substr(placed.begin, *bytes);
    return placed;
  }

  Dtype read_dtype(const std::string& name, const json& value) const {
    if (!value.is_string()) fail("tensor '{}': dtype is not a string", name);
    const std::string& text = value.get_ref<const std::string&>();
    const std::optional<Dtype> dtype = dtype_named(text);
    if (!dtype) fail("tensor '{}': dtype '{}' is not one of F32, F64, I32, I64", name, excerpt(text, longest_name));
    return *dtype;
  }

  std::vector<std::int64_t> read_shape(const std::string& name, const json& value) const {
    if (!value.is_array()) fail("tensor '{}': shape is not a list", name);
    if (value.size() > most_dimensions) {
      fail("tensor '{}': its shape has {} dimensions, more than the {} allowed", name, value.size(), most_dimensions);
    }
    std::vector<std::int64_t> shape;
    shape.reserve(value.size());
    for (const json& dimension : value) {
      if (!dimension.is_number_unsigned() || dimension.get<std::uint64_t>() > INT64_MAX) {
        fail("tensor '{}': the shape holds {}, which is no size from 0", name, described(dimension));
      }
      shape.push_back(dimension.get<std::int64_t>());
    }
    return shape;
  }

  std::pair<std::uint64_t, std::uint64_t> read_offsets(const std::string& name, const json& value) const {
    if (!value.is_array() || value.size() != 2 || !value[0].is_number_unsigned() || !value[1].is_number_unsigned()) {
      fail("tensor '{}': data_offsets is not a list of two places from 0", name);
    }
    const std::uint64_t begin = value[0].get<std::uint64_t>(), end = value[1].get<std::uint64_t>();
    if (begin > end) fail("tensor '{}': its offsets [{}, {}] end before they begin", name, begin, end);
    if (end > numbers_.size()) {
      fail("tensor '{}': its offsets [{}, {}] lie outside the {} bytes of numbers; was the file cut short?", name,
           begin, end, numbers_.size());
    }
    return {begin, end};
  }

  // Every byte of the numbers belongs to exactly one tensor, so that nothing can hide between them.
  void check_places(std::vector<Placed>& placed) const {
    std::sort(placed.begin(), placed.end(), [](const Placed& a, const Placed& b) {
      return std::tie(a.begin, a.end, a.position) < std::tie(b.begin, b.end, b.position);
    });
    std::uint64_t end = 0;
    for (std::size_t i = 0; i < placed.size(); ++i) {
      const std::string name = excerpt(placed[i].tensor.name, longest_name);
      if (placed[i].begin < end) {
        fail("tensor '{}' overlaps '{}': it begins at {}, before {}", name,
             excerpt(placed[i - 1].tensor.name, longest_name), placed[i].begin, end);
      }
      if (placed[i].begin > end) fail("bytes {} to {} before tensor '{}' belong to none", end, placed[i].begin, name);
      end = placed[i].end;
    }
    if (end != numbers_.size()) {
      const std::size_t rest = numbers_.size() - end;
      fail("the last {}{} {} to no tensor", counted(rest, "byte"),
           placed.empty() ? "" : fmt::format(", after tensor '{}',", excerpt(placed.back().tensor.name, longest_name)),
           rest == 1 ? "belongs" : "belong");
    }
  }

  const std::string& content_;
  const std::string& path_;
  std::string_view numbers_;
};

/// A name or the metadata as JSON.
std::string text_of(const json& value) {
  try {
    return value.dump();
  } catch (const json::type_error&) {
    throw std::invalid_argument("write_safetensors: a name or the metadata is not UTF-8");
  }
}

/// The length and the header of a file with these tensors, padded with spaces so that the numbers start on 8 bytes.
std::string make_header(std::span<const StoredTensor> tensors, const std::map<std::string, std::string>& metadata) {
  std::string text = "{";
  // Written piece by piece: a JSON object that keeps its order looks for each new name among all others.
  const auto add = [&](const std::string& name, const std::string& value) {
    if (text.size() > 1) text += ',';
    (text += text_of(name)) += ':';
    text += value;
  };
  if (!metadata.empty()) add("__metadata__", text_of(metadata));
  std::set<std::string> names;
  std::uint64_t begin = 0;
  for (const StoredTensor& tensor : tensors) {
    if (tensor.name.empty()) throw std::invalid_argument("write_safetensors: a tensor has no name");
    if (tensor.name == "__metadata__") {
      throw std::invalid_argument("write_safetensors: no tensor may be named '__metadata__'");
    }
    if (!names.insert(tensor.name).second) {
      throw std::invalid_argument(fmt::format("write_safetensors: two tensors are named '{}'", tensor.name));
    }
    if (tensor.shape.size() > most_dimensions) {
      throw std::invalid_argument(
          fmt::format("write_safetensors: tensor '{}' has {} dimensions, more than the {} allowed", tensor.name,
                      tensor.shape.size(), most_dimensions));
    }
    if (bytes_needed(tensor.dtype, tensor.shape) != tensor.bytes.size()) {
      throw std::invalid_argument(fmt::format("write_safetensors: tensor '{}': {} [{}] does not fit {} bytes",
                                              tensor.name, dtype_name(tensor.dtype), fmt::join(tensor.shape, ", "),
                                              tensor.bytes.size()));
    }
    const std::uint64_t end = begin + tensor.bytes.size();
    add(tensor.name, fmt::format(R"({{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})", dtype_name(tensor.dtype),
                                 fmt::join(tensor.shape, ","), begin, end));
    begin = end;
  }
  text += '}';
  text.resize((text.size() + 7) / 8 * 8, ' ');
  if (text.size() > longest_header) {
    throw std::invalid_argument(fmt::format("write_safetensors: a header of {} bytes is more than the {} allowed",
                                            text.size(), longest_header));
  }
  const std::uint64_t length = text.size();
  std::string start(length_bytes, '\0');
  std::memcpy(start.data(), &length, length_bytes);
  return start + text;
}

}  // namespace

SafetensorsFile SafetensorsFile::read(const std::string& path) { return parse(read_file(path), path); }

SafetensorsFile SafetensorsFile::parse(std::string content, std::string path) {
  SafetensorsFile file;
  file.path_ = std::move(path);
  file.content_ = std::make_shared<const std::string>(std::move(content));
  Reader(*file.content_, file.path_).read(file.tensors_, file.metadata_);
  file.by_name_.resize(file.tensors_.size());
  std::iota(file.by_name_.begin(), file.by_name_.end(), std::size_t{0});
  std::sort(file.by_name_.begin(), file.by_name_.end(),
            [&](std::size_t a, std::size_t b) { return file.tensors_[a].name < file.tensors_[b].name; });
  return file;
}

bool SafetensorsFile::contains(std::string_view name) const { return find(name) != nullptr; }

const StoredTensor& SafetensorsFile::tensor(std::string_view name) const {
  if (const StoredTensor* found = find(name)) return *found;
  const std::string missing = fmt::format("{}: no tensor '{}'", path_, excerpt(name, longest_name));
  if (tensors_.empty()) throw std::runtime_error(missing + "; the file holds none");
  const StoredTensor* nearest = nearest_to(name);
  throw std::runtime_error(nearest == nullptr ? missing
                                              : fmt::format("{}; the nearest name is '{}'", missing, nearest->name));
}

const StoredTensor* SafetensorsFile::find(std::string_view name) const {
  const auto found = std::lower_bound(by_name_.begin(), by_name_.end(), name,
                                      [&](std::size_t i, std::string_view other) { return tensors_[i].name < other; });
  return found == by_name_.end() || tensors_[*found].name != name ? nullptr : &tensors_[*found];
}

const StoredTensor* SafetensorsFile::nearest_to(std::string_view name) const {
  constexpr std::size_t most_compared = 10'000;  // beyond, a search takes longer than its hint is worth
  if (tensors_.size() > most_compared || name.size() > longest_name) return nullptr;
  const std::u32string wanted = decompose(name);
  const StoredTensor* nearest = nullptr;
  std::size_t least = 0;
  for (const StoredTensor& tensor : tensors_) {
    if (tensor.name.size() > longest_name) continue;
    const std::size_t distance = edit_distance(decompose(tensor.name), wanted);
    if (nearest != nullptr && distance >= least) continue;
    nearest = &tensor;
    least = distance;
  }
  return nearest;
}

void write_safetensors(const std::string& path, std::span<const StoredTensor> tensors,
                       const std::map<std::string, std::string>& metadata) {
  std::string content = make_header(tensors, metadata);
  for (const StoredTensor& tensor : tensors) content += tensor.bytes;
  write_durably(path, content);
}

}  // namespace qkv
