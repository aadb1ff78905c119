#pragma once

#include <string>
#include <vector>

#include "qkv/study/compare/intervals.h"
#include "qkv/translation/saved_model.h"

namespace qkv {

/// The multiplications, each with its addition, in the matrix products of one translation.
struct MultiplyAdds {
  double encoder = 0;  ///< for all source words, keys and values of the memory among that
  double decoder = 0;  ///< for all target words, one after the other, as translate() does
  double total() const { return encoder + decoder; }
};

/// Counted from the configuration, for S source and T target tokens, `<eos>` counted in both. With E the embedding, H
/// the hidden size, g the cell's gates, V the target vocabulary, C = d_model, F = ff, N layers:
///   rnn            encoder S · gH (E + H)       decoder T (gH (E + H) + gHH + HV)
///   rnn-attention  the same, and of each target word the scores and the attention value 2 S H, and combine 2 H H;
///                  additive scores take S H H more for the keys and H H for each query
///   transformer    encoder N S (4 CC + 2 CF + 2 S C) + 2 N S CC
///                  decoder N (Σ_{t ≤ T} (4 CC + 2 t C + 2 CC + 2 S C + 2 CF)) + T C V
MultiplyAdds multiply_adds(const ModelConfig& config, int source_tokens, int target_tokens);

/// What translating sentences of some lengths takes.
struct CostRow {
  std::string length;
  double source_words = 0, target_words = 0;  ///< means of the sentences
  double multiply_adds = 0;                   ///< per output token, `<eos>` counted
  double encoder_multiply_adds = 0;           ///< the encoder's among them
  Interval microseconds;                      ///< per output token, the median of sentences one by one, one thread
  std::size_t n = 0;                          ///< sentences that were measured
};

/// The cost of translating these sentences, of one length bucket, greedily.
CostRow cost_of(const TrainedModel& trained, const std::vector<Pair>& pairs, const std::string& length);

}  // namespace qkv
