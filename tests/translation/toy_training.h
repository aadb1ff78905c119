#pragma once

#include <memory>
#include <string>
#include <vector>

#include "qkv/autograd/random.h"
#include "qkv/datasets/batches.h"
#include "qkv/datasets/pair.h"
#include "qkv/translation/training_config.h"
#include "qkv/translation/transformer.h"

namespace qkv {

/// Sentences of 1 to 6 letters, and the same in capitals and turned round.
inline std::vector<Pair> toy_pairs(int count, std::uint64_t seed) {
  Random random(seed);
  std::vector<Pair> pairs;
  for (int n = 0; n < count; ++n) {
    Pair& pair = pairs.emplace_back();
    const int length = 1 + static_cast<int>(random.below(6));
    for (int i = 0; i < length; ++i) {
      const auto letter = static_cast<char>(random.below(8));
      pair.source.push_back({static_cast<char>('a' + letter)});
      pair.target.insert(pair.target.begin(), {static_cast<char>('A' + letter)});
      pair.links.push_back({i, length - 1 - i, true});
    }
  }
  return pairs;
}

/// Settings of a model that trains in a moment.
inline TrainingConfig toy_config() {
  TrainingConfig config;
  config.model = TransformerConfig{.d_model = 16, .heads = 2, .layers = 1, .ff = 24, .dropout = 0.1};
  config.batch_size = 8;
  config.lr = 3e-3;
  config.warmup = 5;
  config.workers = 2;
  return config;
}

/// The settings of its model.
inline TransformerConfig& transformer_of(TrainingConfig& config) { return std::get<TransformerConfig>(config.model); }

inline TransformerConfig toy_transformer(double dropout = 0) {
  return {.source_vocabulary = 12,
          .target_vocabulary = 12,
          .d_model = 16,
          .heads = 2,
          .layers = 2,
          .ff = 24,
          .dropout = dropout};
}

/// One batch of these pairs, in their order.
inline Batch batch_of(const std::vector<Pair>& pairs) {
  const std::vector<Pair> all = toy_pairs(200, 1);  // so that every letter is known
  const Vocabulary source(all, &Pair::source), target(all, &Pair::target);
  Batches batches(EncodedPairs(pairs, source, target), static_cast<int>(pairs.size()), Order::consecutive);
  Batch batch;
  batches.fill({}, batch);
  return batch;
}

/// A parameter's numbers, to change them.
template <class T>
std::span<T> parameter(Seq2Seq<T>& model, const std::string& name) {
  Parameters<T>& parameters = model.parameters();
  for (std::size_t i = 0; i < parameters.entries().size(); ++i)
    if (parameters.entries()[i].name == name) return parameters.values(i);
  throw std::invalid_argument(fmt::format("there is no parameter {}", name));
}

}  // namespace qkv
