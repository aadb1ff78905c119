#pragma once

#include <optional>
#include <string>
#include <vector>

#include "qkv/autograd/attention_record.h"
#include "qkv/study/compare/intervals.h"
#include "qkv/translation/saved_model.h"

namespace qkv {

/// The mean entropy −Σ w log₂ w of the rows of attention weights, over all layers, heads and queries of this kind that
/// are on the tape for one sentence: 0 bits look at one word, log₂ S at all S alike. Nothing where there is none.
std::optional<double> attention_entropy(const Tape<float>& tape, AttentionKind kind);

/// The entropy of the attention of sentences of some lengths.
struct EntropyRow {
  std::string kind;  ///< "cross", or "self" for the encoder's
  std::string length;
  std::size_t n = 0;  ///< sentences
  Interval bits;
  double uniform_bits = 0;  ///< mean of log₂ S: of weights that are all the same
};

/// Of the trainings of one model, on sentences of one length bucket, the reference fed in: a row for the kinds that the
/// model has, the sentences of all seeds together.
std::vector<EntropyRow> entropy_of(const std::vector<const TrainedModel*>& seeds, const std::vector<Pair>& pairs,
                                   const std::string& length);

}  // namespace qkv
