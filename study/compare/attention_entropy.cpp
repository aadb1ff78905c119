#include "qkv/study/compare/attention_entropy.h"

#include <cmath>
#include <utility>

#include "qkv/study/compare/comparison_gradients.h"
#include "qkv/translation/attention_maps.h"

namespace qkv {
namespace {

double bits_of(std::span<const float> row) {
  double bits = 0;
  for (const float weight : row)
    if (weight > 0) bits -= static_cast<double>(weight) * std::log2(static_cast<double>(weight));
  return bits;
}

}  // namespace

std::optional<double> attention_entropy(const Tape<float>& tape, AttentionKind kind) {
  double sum = 0;
  std::size_t rows = 0;
  for (const AttentionMap<float>& map : attention_maps(tape, kind)) {
    const auto keys = static_cast<std::size_t>(map.keys);
    for (std::size_t at = 0; at < map.weights.size(); at += keys, ++rows)
      sum += bits_of(std::span(map.weights).subspan(at, keys));
  }
  if (rows == 0) return {};
  return sum / static_cast<double>(rows);
}

std::vector<EntropyRow> entropy_of(const std::vector<const TrainedModel*>& seeds, const std::vector<Pair>& pairs,
                                   const std::string& length) {
  std::vector<double> cross, self, uniform;
  for (const TrainedModel* trained : seeds)
    for (const Pair& pair : pairs) {
      const IdPair ids = ids_of(pair, trained->source, trained->target);
      Tape<float> tape;
      const Recording<float> recording(tape);
      const NoGrad<float> no_grad(tape);
      trained->model->logits(OneSequence(ids.source), OneSequence(ids.target));
      if (const auto bits = attention_entropy(tape, AttentionKind::cross)) cross.push_back(*bits);
      if (const auto bits = attention_entropy(tape, AttentionKind::self)) self.push_back(*bits);
      uniform.push_back(std::log2(static_cast<double>(ids.source.size())));
    }
  std::vector<EntropyRow> rows;
  for (const auto& [kind, numbers] : {std::pair("cross", &cross), std::pair("self", &self)})
    if (!numbers->empty())
      rows.push_back({kind, length, numbers->size(), mean_interval(*numbers), mean_interval(uniform).value});
  return rows;
}

}  // namespace qkv
