#pragma once

#include <limits>
#include <memory>
#include <stdexcept>

#include "qkv/layers/parameters.h"
#include "qkv/layers/tokens.h"

namespace qkv {

/// The attentions of a decoder over its encoder: how many, and the heads of each. A model without has none.
struct CrossAttention {
  int layers = 0;
  int heads = 0;
};

/// What a model remembers while it produces translations word by word.
template <class T>
class Decoding {
 public:
  virtual ~Decoding() = default;

  /// Reads one word for each sentence and returns the logits of the next.   returns [B, 1, words]
  virtual Var<T> next(std::span<const int> words) = 0;

  /// Goes on with these sentences only, in this order; one may occur several times.
  virtual void select(std::span<const int> rows) = 0;
};

/// A model that reads a sentence and writes another: what training, decoding and the study tools ask of every model.
template <class T>
class Seq2Seq {
 public:
  using Scalar = T;

  /// `check_new` looks at each parameter before it is added.
  explicit Seq2Seq(ParameterCheck check_new = {})
      : parameters_(std::make_unique<Parameters<T>>(std::move(check_new))) {}
  virtual ~Seq2Seq() = default;
  Seq2Seq(const Seq2Seq&) = delete;
  Seq2Seq& operator=(const Seq2Seq&) = delete;

  /// The logits of every next word, with the reference translation fed in. A source ends with `<eos>`, a target begins
  /// with `<bos>`.   returns [B, target length, words]
  virtual Var<T> logits(const Tokens& source, const Tokens& target) const = 0;

  /// Reads the sources and gets ready to produce up to `max_words` words for each. Runs under NoGrad on the current
  /// tape; the state itself lies outside the tape, so every `next` may be followed by a rewind.
  virtual std::unique_ptr<Decoding<T>> decode(const Tokens& source, int max_words) const = 0;

  /// What the encoder makes of each source word: an RNN's hidden states, the last layer's output of a Transformer.
  /// Throws std::invalid_argument if the model has nothing of the kind.   returns [B, S, C]
  virtual Var<T> encode(const Tokens&) const { throw std::invalid_argument("this model has no encoder's states"); }

  /// The most words of a source, `<eos>` behind them not counted, that the model can read.
  virtual int most_source_words() const { return std::numeric_limits<int>::max() - 1; }

  /// The most words of a translation that the model can produce and still look for `<eos>` behind them.
  virtual int most_target_words() const { return std::numeric_limits<int>::max() - 1; }

  Parameters<T>& parameters() { return *parameters_; }
  const Parameters<T>& parameters() const { return *parameters_; }

 private:
  std::unique_ptr<Parameters<T>> parameters_;
};

}  // namespace qkv
