#include "qkv/study/probes.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "qkv/autograd/attention_record.h"
#include "qkv/autograd/ops/cross_entropy.h"

namespace qkv {
namespace {

/// What ids padding holds. The two sides have vocabularies of their own.
struct Filler {
  int source = 0, target = 0;
};

/// Some pairs as one padded batch.
class ProbeBatch {
 public:
  explicit ProbeBatch(const std::vector<ProbePair>& pairs, Filler filler = {}) {
    for (const ProbePair& pair : pairs) {
      source_length_ = std::max(source_length_, static_cast<int>(pair.source.size()));
      target_length_ = std::max(target_length_, static_cast<int>(pair.target.size()));
    }
    for (const ProbePair& pair : pairs) {
      append(pair.source, source_length_, filler.source, source_, source_lengths_);
      append(pair.target, target_length_, filler.target, target_, target_lengths_);
    }
  }

  Tokens source() const { return {source_, sentences(), source_length_, source_lengths_}; }
  Tokens target() const { return {target_, sentences(), target_length_, target_lengths_}; }

 private:
  int sentences() const { return static_cast<int>(source_lengths_.size()); }

  static void append(const std::vector<int>& words, int length, int filler, std::vector<int>& ids,
                     std::vector<int>& lengths) {
    ids.insert(ids.end(), words.begin(), words.end());
    ids.insert(ids.end(), static_cast<std::size_t>(length) - words.size(), filler);
    lengths.push_back(static_cast<int>(words.size()));
  }

  int source_length_ = 0, target_length_ = 0;
  std::vector<int> source_, target_, source_lengths_, target_lengths_;
};

/// The logits of the first pair of a batch, for its own words.
template <class T>
std::vector<T> logits_of_first(const Seq2Seq<T>& model, const std::vector<ProbePair>& pairs, Filler filler = {}) {
  Tape<T> tape;
  const Recording<T> recording(tape);
  const NoGrad<T> no_grad(tape);
  const ProbeBatch batch(pairs, filler);
  const Var<T> logits = model.logits(batch.source(), batch.target());
  return {logits.data(), logits.data() + static_cast<std::ptrdiff_t>(pairs[0].target.size()) * logits.last()};
}

/// Puts the pair's loss on the current tape: each target word is predicted from those before it.
template <class T>
Var<T> loss_of(const Seq2Seq<T>& model, const ProbePair& pair) {
  const ProbeBatch batch({pair});
  std::vector<int> predicted(pair.target.begin() + 1, pair.target.end());
  predicted.push_back(pair.source.back());  // both sides end with the same `<eos>`
  return cross_entropy(model.logits(batch.source(), batch.target()), predicted);
}

}  // namespace

template <class T>
Findings probe_causality(const Seq2Seq<T>& model, const ProbePair& pair, int other_word) {
  Findings findings;
  const std::vector<T> before = logits_of_first(model, {pair});
  const std::size_t words = before.size() / pair.target.size();
  for (std::size_t changed = 1; changed < pair.target.size(); ++changed) {
    ProbePair other = pair;
    check(other.target[changed] != other_word, "probe: word {} is {} already", changed, other_word);
    other.target[changed] = other_word;
    const std::vector<T> after = logits_of_first(model, {other});
    for (std::size_t i = 0; i < changed * words; ++i)
      if (before[i] != after[i]) {
        findings.push_back(fmt::format("changing target word {} changes the logits of word {}", changed, i / words));
        break;
      }
  }
  return findings;
}

template <class T>
Findings probe_padding(const Seq2Seq<T>& model, const ProbePair& pair, const ProbePair& longer, double tolerance) {
  Findings findings;
  const std::vector<T> alone = logits_of_first(model, {pair});
  double largest = 0;
  for (const T& logit : alone) largest = std::max(largest, std::abs(static_cast<double>(logit)));
  const Filler words{longer.source.front(), longer.target.back()};
  for (const Filler filler : {Filler{}, words}) {
    const std::vector<T> padded = logits_of_first(model, {pair, longer}, filler);
    double difference = 0;
    for (std::size_t i = 0; i < alone.size(); ++i)
      difference = std::max(difference, std::abs(static_cast<double>(alone[i] - padded[i])));
    if (!(difference <= tolerance * largest))
      findings.push_back(fmt::format("padding with ids {} and {} changes the logits by {:.1e} of the largest",
                                     filler.source, filler.target, difference / largest));
  }
  return findings;
}

template <class T>
Findings probe_encoder_gradients(const Seq2Seq<T>& model, const ProbePair& pair) {
  Tape<T> tape;
  tape.retain_all(true);
  const Recording<T> recording(tape);
  tape.backward(loss_of(model, pair));
  Findings findings;
  bool has_attention = false;
  for (const AttentionRecord<T>* record = tape.last_attention(); record != nullptr; record = record->previous) {
    if (record->kind != AttentionKind::cross) continue;
    has_attention = true;
    const View<T> gradient = record->values.grad();
    for (int word = 0; word < gradient.rows; ++word) {
      const T* row = gradient.row_block(word, 1).data;
      if (std::all_of(row, row + gradient.columns, [](const T& g) { return g == T(0); }))
        findings.push_back(fmt::format("no gradient reaches source word {} through {}", word, record->layer));
    }
  }
  if (!has_attention) findings.push_back("the model has no attention over the encoder's states");
  return findings;
}

template <class T>
std::vector<ZeroGradient> probe_parameter_gradients(const Seq2Seq<T>& model, const ProbePair& pair, double tolerance) {
  Tape<T> tape;
  const Recording<T> recording(tape);
  const Parameters<T>& parameters = model.parameters();
  Block<T> gradients(parameters.size());
  parameters.bind(gradients.span());
  tape.backward(loss_of(model, pair));
  const auto largest_of = [](std::span<T> numbers) {
    double largest = 0;
    for (const T& number : numbers) largest = std::max(largest, std::abs(static_cast<double>(number)));
    return largest;
  };
  const double largest = largest_of(gradients.span());
  std::vector<ZeroGradient> untouched;
  for (std::size_t i = 0; i < parameters.entries().size(); ++i)
    if (largest_of(parameters.part(gradients.span(), i)) <= tolerance * largest)
      untouched.push_back({parameters.entries()[i].name, why_gradient_is_zero(tape, parameters.bound(i))});
  return untouched;
}

template Findings probe_causality<float>(const Seq2Seq<float>&, const ProbePair&, int);
template Findings probe_causality<double>(const Seq2Seq<double>&, const ProbePair&, int);
template Findings probe_padding<float>(const Seq2Seq<float>&, const ProbePair&, const ProbePair&, double);
template Findings probe_padding<double>(const Seq2Seq<double>&, const ProbePair&, const ProbePair&, double);
template Findings probe_encoder_gradients<float>(const Seq2Seq<float>&, const ProbePair&);
template Findings probe_encoder_gradients<double>(const Seq2Seq<double>&, const ProbePair&);
template std::vector<ZeroGradient> probe_parameter_gradients<float>(const Seq2Seq<float>&, const ProbePair&, double);
template std::vector<ZeroGradient> probe_parameter_gradients<double>(const Seq2Seq<double>&, const ProbePair&, double);

}  // namespace qkv
