#include "train/safetensors.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <stdexcept>
#include <tuple>
#include <utility>

#include "datasets/durable_file.h"
#include "datasets/text.h"
#include "datasets/visible_text.h"

namespace qkv {
namespace {

using nlohmann::json;

static_assert(std::endian::native == std::endian::little, "safetensors are little-endian and are copied as they are");

constexpr std::size_t length_bytes = 8;
// What the reference implementation accepts: a longer header is a broken length rather than a model.
constexpr std::uint64_t longest_header = 100'000'000;

/// Reads one file's content; every error starts with the file's path.
class Reader {
 public:
  Reader(const std::string& content, const std::string& path) : content_(content), path_(path) {}

  void read(std::vector<StoredTensor>& tensors, std::map<std::string, std::string>& metadata) {
    const json header = read_header();
    std::vector<Placed> placed;
    for (const auto& [name, entry] : header.items()) {
      if (name == "__metadata__") {
        read_metadata(entry, metadata);
      } else {
        placed.push_back(read_tensor(name, entry));
      }
    }
    check_places(placed);
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

  json read_header() {
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
    json header;
    try {
      header = json::parse(text.begin(), text.end(), [this](int depth, json::parse_event_t event, json& parsed) {
        note_key(depth, event, parsed);
        return true;
      });
    } catch (const json::parse_error& error) {
      fail("the header is not valid JSON at its byte {}", error.byte);
    }
    return header;
  }

  // JSON's parser keeps the last of two equal names in silence, so the names are counted while it reads.
  void note_key(int depth, json::parse_event_t event, const json& parsed) {
    if (event != json::parse_event_t::key) return;
    const std::string& name = parsed.get_ref<const std::string&>();
    if (depth == 1) {
      if (!positions_.emplace(name, positions_.size()).second) fail("tensor '{}' occurs twice in the header", name);
      current_ = name;
      fields_.clear();
    } else if (depth == 2 && !fields_.insert(name).second) {
      fail("tensor '{}': '{}' occurs twice in the header", current_, name);
    }
  }

  void read_metadata(const json& entry, std::map<std::string, std::string>& metadata) const {
    if (!entry.is_object()) fail("__metadata__ is not an object");
    for (const auto& [name, value] : entry.items()) {
      if (!value.is_string()) fail("__metadata__: '{}' is not a string", name);
      metadata.emplace(name, value.get<std::string>());
    }
  }

  Placed read_tensor(const std::string& name, const json& entry) const {
    if (!entry.is_object()) fail("tensor '{}': not an object", name);
    for (const char* field : {"dtype", "shape", "data_offsets"}) {
      if (!entry.contains(field)) fail("tensor '{}': no '{}'", name, field);
    }
    for (const auto& field : entry.items()) {
      if (field.key() != "dtype" && field.key() != "shape" && field.key() != "data_offsets") {
        fail("tensor '{}': unknown field '{}'", name, field.key());
      }
    }
    Placed placed{
        {name, read_dtype(name, entry["dtype"]), read_shape(name, entry["shape"]), {}}, 0, 0, positions_.at(name)};
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
    if (!dtype) fail("tensor '{}': dtype '{}' is not one of F32, F64, I32, I64", name, text);
    return *dtype;
  }

  std::vector<std::int64_t> read_shape(const std::string& name, const json& value) const {
    if (!value.is_array()) fail("tensor '{}': shape is not a list", name);
    std::vector<std::int64_t> shape;
    for (const json& dimension : value) {
      if (!dimension.is_number_unsigned() || dimension.get<std::uint64_t>() > INT64_MAX) {
        fail("tensor '{}': shape {} is not a list of sizes from 0", name, value.dump());
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
      const std::string& name = placed[i].tensor.name;
      if (placed[i].begin < end) {
        fail("tensor '{}' overlaps '{}': it begins at {}, before {}", name, placed[i - 1].tensor.name, placed[i].begin,
             end);
      }
      if (placed[i].begin > end) fail("bytes {} to {} before tensor '{}' belong to none", end, placed[i].begin, name);
      end = placed[i].end;
    }
    if (end != numbers_.size()) {
      const std::size_t rest = numbers_.size() - end;
      fail("the last {}{} {} to no tensor", counted(rest, "byte"),
           placed.empty() ? "" : fmt::format(", after tensor '{}',", placed.back().tensor.name),
           rest == 1 ? "belongs" : "belong");
    }
  }

  const std::string& content_;
  const std::string& path_;
  std::string_view numbers_;
  std::map<std::string, std::size_t> positions_;
  std::string current_;
  std::set<std::string> fields_;
};

/// The length and the header of a file with these tensors, padded with spaces so that the numbers start on 8 bytes.
std::string make_header(std::span<const StoredTensor> tensors, const std::map<std::string, std::string>& metadata) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
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
    if (bytes_needed(tensor.dtype, tensor.shape) != tensor.bytes.size()) {
      throw std::invalid_argument(fmt::format("write_safetensors: tensor '{}': {} [{}] does not fit {} bytes",
                                              tensor.name, dtype_name(tensor.dtype), fmt::join(tensor.shape, ", "),
                                              tensor.bytes.size()));
    }
    const std::uint64_t end = begin + tensor.bytes.size();
    header[tensor.name] = {
        {"dtype", dtype_name(tensor.dtype)}, {"shape", tensor.shape}, {"data_offsets", {begin, end}}};
    begin = end;
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const json::type_error&) {
    throw std::invalid_argument("write_safetensors: a name or the metadata is not UTF-8");
  }
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
  return file;
}

bool SafetensorsFile::contains(std::string_view name) const { return find(name) != tensors_.end(); }

const StoredTensor& SafetensorsFile::tensor(std::string_view name) const {
  if (const auto found = find(name); found != tensors_.end()) return *found;
  if (tensors_.empty()) throw std::runtime_error(fmt::format("{}: no tensor '{}'; the file holds none", path_, name));
  const std::u32string wanted = decompose(name);
  const auto nearest = std::min_element(tensors_.begin(), tensors_.end(), [&](const auto& a, const auto& b) {
    return edit_distance(decompose(a.name), wanted) < edit_distance(decompose(b.name), wanted);
  });
  throw std::runtime_error(fmt::format("{}: no tensor '{}'; the nearest name is '{}'", path_, name, nearest->name));
}

std::vector<StoredTensor>::const_iterator SafetensorsFile::find(std::string_view name) const {
  return std::find_if(tensors_.begin(), tensors_.end(), [&](const auto& tensor) { return tensor.name == name; });
}

void write_safetensors(const std::string& path, std::span<const StoredTensor> tensors,
                       const std::map<std::string, std::string>& metadata) {
  std::string content = make_header(tensors, metadata);
  for (const StoredTensor& tensor : tensors) content += tensor.bytes;
  write_durably(path, content);
}

}  // namespace qkv
