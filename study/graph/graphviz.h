#pragma once

#include <string>

namespace qkv {

/// A picture of a graph in Graphviz's language, drawn by its program `dot`, which must be installed.
/// Throws std::runtime_error if it is not there, saying which package has it, or if it fails, with what it says.
std::string svg_of(const std::string& dot);

}  // namespace qkv
