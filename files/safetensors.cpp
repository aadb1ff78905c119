#include "qkv/files/safetensors.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <tuple>
#include <utility>

#include "qkv/files/durable_file.h"
#include "qkv/files/header_json.h"
#include "qkv/files/message.h"
#include "qkv/files/safetensors_format.h"
#include "qkv/files/utf8.h"

namespace qkv {
namespace {

using namespace safetensors;
using Kind = HeaderReader::Kind;

/// A number that is written with digits only, if it fits 64 bits.
std::optional<std::uint64_t> whole_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// Reads one file's content; every error starts with the file's path.
class Reader {
 public:
  Reader(const std::string& content, const std::string& path) : content_(content), path_(path) {}

  void read(std::vector<StoredTensor>& tensors, std::map<std::string, std::string>& metadata) {
    std::vector<Placed> placed;
    HeaderReader header(find_header());
    try {
      header.read_object([&](const std::string& name) {
        if (name == "__metadata__") {
          read_metadata(header, metadata);
        } else {
          placed.push_back(read_tensor(name, header));
          placed.back().position = placed.size();
        }
      });
      header.read_end();
    } catch (const HeaderError& error) {
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

  /// A value of another kind is an error, but only if it is JSON at all.
  template <class... Arguments>
  void require(HeaderReader& header, Kind kind, fmt::format_string<Arguments...> otherwise,
               Arguments&&... arguments) const {
    if (header.next() == kind) return;
    header.read_over();
    fail(otherwise, std::forward<Arguments>(arguments)...);
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

  void read_metadata(HeaderReader& header, std::map<std::string, std::string>& metadata) const {
    require(header, Kind::object, "__metadata__ is not an object");
    header.read_object([&](const std::string& name) {
      require(header, Kind::string, "__metadata__: '{}' is not a string", excerpt(name));
      metadata.emplace(name, header.read_string());
    });
  }

  Placed read_tensor(const std::string& full_name, HeaderReader& header) const {
    const std::string name = excerpt(full_name);  // in messages
    if (name.empty()) fail("a tensor has no name");
    require(header, Kind::object, "tensor '{}': not an object", name);
    std::optional<Dtype> dtype;
    std::optional<std::vector<std::int64_t>> shape;
    std::optional<std::pair<std::uint64_t, std::uint64_t>> offsets;
    header.read_object([&](const std::string& field) {
      if (field == "dtype") {
        dtype = read_dtype(name, header);
      } else if (field == "shape") {
        shape = read_shape(name, header);
      } else if (field == "data_offsets") {
        offsets = read_offsets(name, header);
      } else {
        fail("tensor '{}': unknown field '{}'", name, excerpt(field));
      }
    });
    if (!dtype) fail("tensor '{}': no 'dtype'", name);
    if (!shape) fail("tensor '{}': no 'shape'", name);
    if (!offsets) fail("tensor '{}': no 'data_offsets'", name);
    const auto [begin, end] = *offsets;
    const std::optional<std::uint64_t> bytes = bytes_needed(*dtype, *shape);
    if (!bytes) fail("tensor '{}': shape [{}] is too large", name, fmt::join(*shape, ", "));
    if (end - begin != *bytes) {
      fail("tensor '{}': {} [{}] needs {} bytes, but its offsets [{}, {}] hold {}", name, dtype_name(*dtype),
           fmt::join(*shape, ", "), *bytes, begin, end, end - begin);
    }
    return {{full_name, *dtype, std::move(*shape), numbers_.substr(begin, *bytes)}, begin, end, 0};
  }

  Dtype read_dtype(const std::string& name, HeaderReader& header) const {
    require(header, Kind::string, "tensor '{}': dtype is not a string", name);
    const std::string text = header.read_string();
    const std::optional<Dtype> dtype = dtype_named(text);
    if (!dtype) fail("tensor '{}': dtype '{}' is not one of F32, F64, I32, I64", name, excerpt(text));
    return *dtype;
  }

  std::vector<std::int64_t> read_shape(const std::string& name, HeaderReader& header) const {
    require(header, Kind::list, "tensor '{}': shape is not a list", name);
    std::vector<std::int64_t> shape;
    std::size_t dimensions = 0;
    header.read_list([&] {
      const bool is_number = header.next() == Kind::number;
      const std::string text = is_number ? header.read_number() : header.read_over();
      const std::optional<std::uint64_t> size = is_number ? whole_number(text) : std::nullopt;
      if (!size || *size > INT64_MAX) {
        fail("tensor '{}': the shape holds {}, which is no size from 0", name, excerpt(text));
      }
      if (++dimensions <= most_dimensions) shape.push_back(static_cast<std::int64_t>(*size));
    });
    if (dimensions > most_dimensions) {
      fail("tensor '{}': its shape has {} dimensions, more than the {} allowed", name, dimensions, most_dimensions);
    }
    return shape;
  }

  std::pair<std::uint64_t, std::uint64_t> read_offsets(const std::string& name, HeaderReader& header) const {
    require(header, Kind::list, "tensor '{}': data_offsets is not a list of two places from 0", name);
    std::array<std::optional<std::uint64_t>, 2> places;
    std::size_t count = 0;
    header.read_list([&] {
      const bool is_number = header.next() == Kind::number;
      const std::string text = is_number ? header.read_number() : header.read_over();
      if (is_number && count < places.size()) places[count] = whole_number(text);
      ++count;
    });
    if (count != places.size() || !places[0] || !places[1]) {
      fail("tensor '{}': data_offsets is not a list of two places from 0", name);
    }
    const auto begin = *places[0], end = *places[1];
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
      const std::string name = excerpt(placed[i].tensor.name);
      if (placed[i].begin < end) {
        fail("tensor '{}' overlaps '{}': it begins at {}, before {}", name, excerpt(placed[i - 1].tensor.name),
             placed[i].begin, end);
      }
      if (placed[i].begin > end) fail("bytes {} to {} before tensor '{}' belong to none", end, placed[i].begin, name);
      end = placed[i].end;
    }
    if (end != numbers_.size()) {
      const std::size_t rest = numbers_.size() - end;
      fail("the last {}{} {} to no tensor", counted(rest, "byte"),
           placed.empty() ? "" : fmt::format(", after tensor '{}',", excerpt(placed.back().tensor.name)),
           rest == 1 ? "belongs" : "belong");
    }
  }

  const std::string& content_;
  const std::string& path_;
  std::string_view numbers_;
};

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
  const std::string missing = fmt::format("{}: no tensor '{}'", path_, excerpt(name));
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
  // beyond these, a search takes longer than its hint is worth
  constexpr std::size_t most_compared = 10'000, longest_name = 200;
  if (tensors_.size() > most_compared || name.size() > longest_name || invalid_utf8(name)) return nullptr;
  const std::u32string wanted = code_points(name);
  const StoredTensor* nearest = nullptr;
  std::size_t least = 0;
  for (const StoredTensor& tensor : tensors_) {
    if (tensor.name.size() > longest_name) continue;
    const std::u32string other = code_points(tensor.name);
    const std::size_t distance = edit_distance(other, wanted);
    if ((nearest != nullptr && distance >= least) || !are_near(distance, std::max(other.size(), wanted.size())))
      continue;
    nearest = &tensor;
    least = distance;
  }
  return nearest;
}

}  // namespace qkv
