#include "qkv/train/saved_parameters.h"

#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <set>
#include <stdexcept>

#include "qkv/files/message.h"

namespace qkv {
namespace {

constexpr std::int64_t most_steps = std::int64_t{1} << 62;  // so that counting on cannot overflow

/// A block in the layout of the parameters, and what stands before their names in the file.
template <class Number>
struct NamedBlock {
  std::string prefix;
  std::span<Number> numbers;
};

template <class T, class Number>
std::vector<StoredTensor> tensors_of(const Parameters<T>& parameters, const std::vector<NamedBlock<Number>>& blocks) {
  std::vector<StoredTensor> tensors;
  for (const auto& [prefix, numbers] : blocks)
    for (std::size_t i = 0; i < parameters.entries().size(); ++i) {
      const auto& entry = parameters.entries()[i];
      tensors.push_back(StoredTensor::of<T>(prefix + entry.name, dimensions(entry.shape), parameters.part(numbers, i)));
    }
  return tensors;
}

/// A model with such a number is of no use, and would replace one that is.
template <class T>
void check_finite(const std::string& path, const std::vector<StoredTensor>& tensors) {
  for (const StoredTensor& tensor : tensors)
    for (const T value : tensor.as<T>())
      if (!std::isfinite(value))
        throw std::runtime_error(
            fmt::format("{} is not written, because {} holds {}; a smaller learning rate, a longer "
                        "warm-up or clipping the gradient may help",
                        path, tensor.name, value));
}

/// Throws std::runtime_error unless the file holds these tensors and no others.
template <class T>
void check_fits(const SafetensorsFile& file, const Parameters<T>& parameters,
                const std::vector<NamedBlock<T>>& blocks) {
  std::set<std::string> names;
  for (const auto& block : blocks)
    for (const auto& entry : parameters.entries()) {
      const StoredTensor& tensor = file.tensor(block.prefix + entry.name);
      names.insert(tensor.name);
      if (tensor.shape != dimensions(entry.shape))
        throw std::runtime_error(fmt::format("{}: {} has shape [{}], but the model's is {}", file.path(), tensor.name,
                                             fmt::join(tensor.shape, ", "), entry.shape));
      if (tensor.dtype != Dtype::F32 && tensor.dtype != Dtype::F64)
        throw std::runtime_error(fmt::format("{}: {} holds {}, where real numbers are needed", file.path(), tensor.name,
                                             dtype_name(tensor.dtype)));
      for (const T value : tensor.as<T>()) {
        if (!std::isfinite(value))
          throw std::runtime_error(fmt::format("{}: {} holds a value that is not finite", file.path(), tensor.name));
        if (value < 0 && block.prefix == "second_moment.")
          throw std::runtime_error(
              fmt::format("{}: {} holds {}, but a mean of squares is never negative", file.path(), tensor.name, value));
      }
    }
  for (const StoredTensor& tensor : file.tensors())
    if (!names.contains(tensor.name))
      throw std::runtime_error(
          fmt::format("{}: tensor '{}' belongs to none of the model's parameters", file.path(), excerpt(tensor.name)));
}

template <class T>
void read(const SafetensorsFile& file, const Parameters<T>& parameters, const std::vector<NamedBlock<T>>& blocks) {
  for (const auto& [prefix, numbers] : blocks)
    for (std::size_t i = 0; i < parameters.entries().size(); ++i) {
      const std::vector<T> values = file.tensor(prefix + parameters.entries()[i].name).template as<T>();
      std::copy(values.begin(), values.end(), parameters.part(numbers, i).begin());
    }
}

template <class Number, class Memory>
std::vector<NamedBlock<Number>> blocks_of(std::span<Number> values, Memory& memory) {
  std::vector<NamedBlock<Number>> blocks{{"", values}};
  for (auto& [name, block] : memory) blocks.push_back({name + ".", block.span()});
  return blocks;
}

}  // namespace

std::vector<std::int64_t> dimensions(const Shape& shape) {
  std::vector<std::int64_t> sizes;
  for (int i = 0; i < shape.rank(); ++i) sizes.push_back(shape.dim(i));
  return sizes;
}

template <class T>
void save(const std::string& path, const Parameters<T>& parameters, const Metadata& metadata) {
  const std::vector<NamedBlock<const T>> blocks{{"", parameters.values()}};
  const std::vector<StoredTensor> tensors = tensors_of(parameters, blocks);
  check_finite<T>(path, tensors);
  write_safetensors(path, tensors, metadata);
}

template <class T>
void save(const std::string& path, const Parameters<T>& parameters, const Optimiser<T>& optimiser,
          const Metadata& metadata) {
  const auto blocks = blocks_of<const T>(parameters.values(), optimiser.memory());
  const std::vector<StoredTensor> tensors = tensors_of(parameters, blocks);
  check_finite<T>(path, tensors);
  Metadata all = metadata;
  all["step"] = std::to_string(optimiser.steps());
  write_safetensors(path, tensors, all);
}

template <class T>
Metadata load(const std::string& path, Parameters<T>& parameters) {
  const SafetensorsFile file = SafetensorsFile::read(path);
  const std::vector<NamedBlock<T>> blocks{{"", parameters.values()}};
  check_fits(file, parameters, blocks);
  read(file, parameters, blocks);
  return file.metadata();
}

template <class T>
Metadata load(const std::string& path, Parameters<T>& parameters, Optimiser<T>& optimiser) {
  const SafetensorsFile file = SafetensorsFile::read(path);
  const auto blocks = blocks_of<T>(parameters.values(), optimiser.memory());
  check_fits(file, parameters, blocks);
  const auto steps = number_in<std::int64_t>(file.metadata(), path, "step", 0, most_steps);
  read(file, parameters, blocks);
  optimiser.set_steps(steps);
  return file.metadata();
}

template <class Number>
Number number_in(const Metadata& metadata, const std::string& path, const std::string& key, Number least, Number most) {
  const auto found = metadata.find(key);
  if (found == metadata.end())
    throw std::runtime_error(fmt::format("{}: \"{}\" is missing from its metadata", path, key));
  const std::string& text = found->second;
  Number number{};
  const char* end = text.data() + text.size();
  const auto [read_until, error] = std::from_chars(text.data(), end, number);
  if (read_until != end || error != std::errc())
    throw std::runtime_error(fmt::format("{}: \"{}\" is no number: {}", path, key, excerpt(text, 60)));
  if (!(number >= least && number <= most))  // which not-a-number is not either
    throw std::runtime_error(
        fmt::format("{}: \"{}\" is {}, which is not within {} and {}", path, key, number, least, most));
  return number;
}

template void save<float>(const std::string&, const Parameters<float>&, const Metadata&);
template void save<double>(const std::string&, const Parameters<double>&, const Metadata&);
template void save<float>(const std::string&, const Parameters<float>&, const Optimiser<float>&, const Metadata&);
template void save<double>(const std::string&, const Parameters<double>&, const Optimiser<double>&, const Metadata&);
template Metadata load<float>(const std::string&, Parameters<float>&);
template Metadata load<double>(const std::string&, Parameters<double>&);
template Metadata load<float>(const std::string&, Parameters<float>&, Optimiser<float>&);
template Metadata load<double>(const std::string&, Parameters<double>&, Optimiser<double>&);
template int number_in(const Metadata&, const std::string&, const std::string&, int, int);
template std::int64_t number_in(const Metadata&, const std::string&, const std::string&, std::int64_t, std::int64_t);
template std::uint64_t number_in(const Metadata&, const std::string&, const std::string&, std::uint64_t, std::uint64_t);
template double number_in(const Metadata&, const std::string&, const std::string&, double, double);

}  // namespace qkv
