#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "qkv/autograd/gradcheck/gradcheck.h"
#include "qkv/autograd/random.h"
#include "qkv/translation/seq2seq.h"

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

/// Permutation: without positions, an encoder treats its words as a set: when they come in another order, their results
/// come in that order too, up to `tolerance` times the largest. `encoder` takes and returns a Var [1, L, C].
template <class T, class Encoder>
Findings probe_permutation(const Encoder& encoder, int width, const std::vector<int>& order, double tolerance);

/// The parameters whose gradient is zero, up to `tolerance` times the largest: every other one learns from this pair.
/// A key's bias is among them by mathematics: it adds the same to all scores of a query, and softmax takes that out.
template <class T>
std::vector<ZeroGradient> probe_parameter_gradients(const Seq2Seq<T>& model, const ProbePair& pair, double tolerance);

template <class T, class Encoder>
Findings probe_permutation(const Encoder& encoder, int width, const std::vector<int>& order, double tolerance) {
  const auto words = static_cast<int>(order.size());
  const auto row_size = static_cast<std::size_t>(width);
  std::vector<T> numbers(order.size() * row_size), permuted(numbers.size());
  Random random(1);
  for (T& number : numbers) number = static_cast<T>(random.normal());
  for (std::size_t i = 0; i < order.size(); ++i)
    std::copy_n(numbers.begin() + order[i] * width, width, permuted.begin() + static_cast<std::ptrdiff_t>(i) * width);
  Tape<T> tape;
  const Recording<T> recording(tape);
  const Var<T> before = encoder(tape.constant({1, words, width}, numbers));
  const Var<T> after = encoder(tape.constant({1, words, width}, permuted));
  double largest = 0;
  for (const T& y : before.values()) largest = std::max(largest, std::abs(static_cast<double>(y)));
  Findings findings;
  for (int i = 0; i < words; ++i) {
    const T *now = after.rows().row_block(i, 1).data, *then = before.rows().row_block(order[i], 1).data;
    double difference = 0;
    for (int j = 0; j < before.last(); ++j)
      difference = std::max(difference, std::abs(static_cast<double>(now[j] - then[j])));
    if (!(difference <= tolerance * largest))
      findings.push_back(fmt::format("word {} gives another result in place {}", order[i], i));
  }
  return findings;
}

}  // namespace qkv
