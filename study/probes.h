#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "layers/seq2seq.h"

namespace qkv {

/// Properties that a sequence model must have whatever its parameters are: what gradient checks cannot see, because a
/// wrong forward pass has a right gradient too. Each probe returns what it found wrong, or nothing. They run for
/// T = float and double.
using Findings = std::vector<std::string>;

/// A sentence pair as ids: the source with its `<eos>`, the target with its `<bos>`.
struct ProbePair {
  std::vector<int> source;
  std::vector<int> target;
};

/// Causality: when target word t + 1 is replaced by `other_word`, the logits up to word t are the same to the bit.
template <class T>
Findings probe_causality(const Seq2Seq<T>& model, const ProbePair& pair, int other_word);

/// Padding: the logits of a pair alone are those it has in a batch with a longer one, up to `tolerance` times the
/// largest, whatever ids the padding holds.
template <class T>
Findings probe_padding(const Seq2Seq<T>& model, const ProbePair& pair, const ProbePair& longer, double tolerance);

/// The gradient of the loss reaches, through attention, the encoder's state at every word of the source. Models
/// without attention fail this: that is their bottleneck.
template <class T>
Findings probe_encoder_gradients(const Seq2Seq<T>& model, const ProbePair& pair);

/// A parameter that gets no gradient, and why that may be.
struct UntouchedParameter {
  std::string name;
  std::string reason;  ///< why it is zero by mathematics; empty if it should not be
};

/// The parameters whose gradient is zero, up to `tolerance` times the largest: every other one learns from this pair.
/// A key's bias is among them by mathematics: it adds the same to all scores of a query, and softmax takes that out.
template <class T>
std::vector<UntouchedParameter> probe_parameter_gradients(const Seq2Seq<T>& model, const ProbePair& pair,
                                                          double tolerance);

}  // namespace qkv
