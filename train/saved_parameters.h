#pragma once

#include <map>
#include <string>

#include "qkv/files/safetensors.h"
#include "qkv/layers/parameters.h"
#include "qkv/train/optimiser.h"

namespace qkv {

/// Free text by name, kept in a file beside its tensors.
using Metadata = std::map<std::string, std::string>;

/// Writes the parameters by their names, as safetensors, durably: a crash leaves the old file or the new one. Throws
/// std::runtime_error, and leaves the old file, if one of them is not finite or the file cannot be written. Compiled
/// for float and double, as all here.
template <class T>
void save(const std::string& path, const Parameters<T>& parameters, const Metadata& metadata = {});

/// Reads what `save` wrote for the same model; nothing is changed unless all of it fits. Throws std::runtime_error that
/// names the file and the tensor: one is missing, has another shape or type, is not finite, or is none of the model's.
/// Returns the metadata.
template <class T>
Metadata load(const std::string& path, Parameters<T>& parameters);

/// The same with what the optimiser remembers, and its steps, so that training goes on from there bit for bit. The
/// tensors are called as the parameters with the memory's name in front: "first_moment.encoder.norm.weight".
template <class T>
void save(const std::string& path, const Parameters<T>& parameters, const Optimiser<T>& optimiser,
          const Metadata& metadata = {});
template <class T>
Metadata load(const std::string& path, Parameters<T>& parameters, Optimiser<T>& optimiser);

/// A number of a file's metadata. Throws std::runtime_error if it is missing, no number, or outside [least, most].
/// Compiled for int, std::int64_t, std::uint64_t and double.
template <class Number>
Number number_in(const Metadata& metadata, const std::string& path, const std::string& key, Number least, Number most);

/// The sizes of a shape as files hold them.
std::vector<std::int64_t> dimensions(const Shape& shape);

}  // namespace qkv
