#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "autograd/tape.h"

namespace qkv {

/// The attention weights that one layer computed.
template <class T>
struct AttentionMap {
  std::string module;  ///< such as "decoder.layers.0.cross_attention"
  Var<T> weights;      ///< [B, heads, queries, keys]
};

/// All attention weights that are on the tape, of the modules whose names begin and end like this, in the order in
/// which they were computed.
template <class T>
std::vector<AttentionMap<T>> attention_maps(const Tape<T>& tape, const std::string& begin = "",
                                            const std::string& end = "") {
  std::vector<AttentionMap<T>> maps;
  for (Node<T>* node = tape.last_node(); node != nullptr; node = node->previous) {
    if (std::string_view(node->name) != "attention_weights" || node->module == nullptr) continue;
    const std::string module = node->module;
    if (module.starts_with(begin) && module.ends_with(end)) maps.push_back({module, Var<T>(node)});
  }
  std::reverse(maps.begin(), maps.end());
  return maps;
}

}  // namespace qkv
