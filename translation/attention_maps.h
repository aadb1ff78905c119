#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "qkv/autograd/tape.h"

namespace qkv {

/// The attention weights that one module computed: all at once, or, in a recurrent decoder, word after word.
template <class T>
struct AttentionMap {
  std::string module;  ///< such as "decoder.layers.0.cross_attention"
  int sentences = 0, heads = 0, queries = 0, keys = 0;
  std::vector<T> weights;  ///< [sentences, heads, queries, keys]

  /// The weights of one sentence and head: `queries` rows of `keys`.
  std::span<const T> of(int sentence, int head) const {
    const auto size = static_cast<std::size_t>(queries) * static_cast<std::size_t>(keys);
    return std::span(weights).subspan(static_cast<std::size_t>(sentence * heads + head) * size, size);
  }
};

/// All attention weights that are on the tape, of the modules whose names begin and end like this, in the order in
/// which they were first computed.
template <class T>
std::vector<AttentionMap<T>> attention_maps(const Tape<T>& tape, const std::string& begin = "",
                                            const std::string& end = "") {
  std::vector<std::pair<std::string, std::vector<Var<T>>>> modules;  // the newest first
  for (Node<T>* node = tape.last_node(); node != nullptr; node = node->previous) {
    const std::string_view name = node->name;
    if ((name != "attention_weights" && name != "softmax") || node->module == nullptr) continue;
    const std::string module = node->module;
    if (!module.starts_with(begin) || !module.ends_with(end)) continue;
    if (modules.empty() || modules.back().first != module) modules.push_back({module, {}});
    modules.back().second.push_back(Var<T>(node));
  }
  std::reverse(modules.begin(), modules.end());
  std::vector<AttentionMap<T>> maps;
  for (auto& [module, steps] : modules) {
    std::reverse(steps.begin(), steps.end());
    AttentionMap<T>& map = maps.emplace_back();
    const Var<T> first = steps.front();
    map.module = module;
    map.sentences = first.dim(0);
    map.heads = first.rank() == 4 ? first.dim(1) : 1;
    map.keys = first.last();
    for (const Var<T>& step : steps) map.queries += step.dim(-2);
    for (int part = 0; part < map.sentences * map.heads; ++part)
      for (const Var<T>& step : steps) {
        const View<T> rows = step.rows().row_block(part * step.dim(-2), step.dim(-2));
        map.weights.insert(map.weights.end(), rows.data, rows.data + std::ptrdiff_t{rows.rows} * rows.columns);
      }
  }
  return maps;
}

}  // namespace qkv
