#pragma once

#include <algorithm>
#include <string_view>
#include <vector>

#include "qkv/autograd/attention_record.h"

namespace qkv {

/// The attention weights that one layer computed: all at once, or, in a recurrent decoder, word after word.
template <class T>
struct AttentionMap {
  std::string_view layer;  ///< such as "decoder.layers.0.cross_attention"; lives as long as the model
  int sentences = 0, heads = 0, queries = 0, keys = 0;
  std::vector<T> weights;  ///< [sentences, heads, queries, keys]

  /// The weights of one sentence and head: `queries` rows of `keys`.
  std::span<const T> of(int sentence, int head) const {
    const std::ptrdiff_t size = std::ptrdiff_t{queries} * keys;
    return std::span(weights).subspan((sentence * heads + head) * size, size);
  }
};

/// All attention of this kind that is on the tape, in the order in which its layers first computed it.
template <class T>
std::vector<AttentionMap<T>> attention_maps(const Tape<T>& tape, AttentionKind kind) {
  std::vector<std::vector<const AttentionRecord<T>*>> layers;  // and the steps of each, the newest first
  for (const AttentionRecord<T>* record = tape.last_attention(); record != nullptr; record = record->previous) {
    if (record->kind != kind) continue;
    if (layers.empty() || std::string_view(layers.back().front()->layer) != record->layer) layers.emplace_back();
    layers.back().push_back(record);
  }
  std::reverse(layers.begin(), layers.end());
  std::vector<AttentionMap<T>> maps;
  for (auto& steps : layers) {
    std::reverse(steps.begin(), steps.end());
    AttentionMap<T>& map = maps.emplace_back();
    const AttentionRecord<T>& first = *steps.front();
    map.layer = first.layer;
    map.sentences = first.weights.dim(0);
    map.heads = first.heads;
    map.keys = first.weights.last();
    for (const AttentionRecord<T>* step : steps) map.queries += step->weights.dim(-2);
    for (int part = 0; part < map.sentences * map.heads; ++part)
      for (const AttentionRecord<T>* step : steps) {
        const int count = step->weights.dim(-2);
        const View<T> rows = step->weights.rows().row_block(part * count, count);
        map.weights.insert(map.weights.end(), rows.data, rows.data + std::ptrdiff_t{rows.rows} * rows.columns);
      }
  }
  return maps;
}

}  // namespace qkv
