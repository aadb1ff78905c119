#pragma once

#include <string>
#include <vector>

#include "qkv/study/compare/intervals.h"
#include "qkv/translation/saved_model.h"

namespace qkv {

/// Counted from the configuration, for so many source and target tokens, `<eos>` counted in both: see
/// TransformerConfig::multiply_adds and RnnConfig::multiply_adds. Throws std::invalid_argument for less than one.
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
