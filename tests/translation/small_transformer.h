#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "qkv/translation/transformer.h"
#include "tests/autograd/numbers.h"

namespace qkv {

/// Sentences as ids, padded to the longest, or to `width`, with `filler`.
class Sentences {
 public:
  Sentences(std::initializer_list<std::vector<int>> sentences) : Sentences(std::vector(sentences), 0) {}
  explicit Sentences(const std::vector<std::vector<int>>& sentences, int width = 0, int filler = 0) : width_(width) {
    for (const auto& sentence : sentences) width_ = std::max(width_, static_cast<int>(sentence.size()));
    for (const auto& sentence : sentences) {
      lengths_.push_back(static_cast<int>(sentence.size()));
      ids_.insert(ids_.end(), sentence.begin(), sentence.end());
      ids_.resize(lengths_.size() * static_cast<std::size_t>(width_), filler);
    }
  }

  Tokens tokens() const { return {ids_, static_cast<int>(lengths_.size()), width_, lengths_}; }
  const std::vector<int>& lengths() const { return lengths_; }

  /// The i-th word of every sentence; 0 where there is none.
  std::vector<int> words(int i) const {
    std::vector<int> result;
    for (std::size_t b = 0; b < lengths_.size(); ++b)
      result.push_back(ids_[b * static_cast<std::size_t>(width_) + static_cast<std::size_t>(i)]);
    return result;
  }

 private:
  int width_;
  std::vector<int> ids_, lengths_;
};

inline TransformerConfig small_config(NormOrder norm) {
  return {
      .source_vocabulary = 11, .target_vocabulary = 13, .d_model = 16, .heads = 2, .layers = 2, .ff = 24, .norm = norm};
}

/// Initialises the parameters, and moves those that would start at 0 or 1, so that each of them matters.
template <class T>
void randomise(Parameters<T>& parameters, std::uint64_t seed) {
  parameters.initialise(seed);
  Random random(seed + 1000);
  for (std::size_t i = 0; i < parameters.entries().size(); ++i)
    if (parameters.entries()[i].shape.rank() == 1)
      for (T& value : parameters.values(i)) value += static_cast<T>(0.2 * random.normal());
}

template <class T>
std::unique_ptr<Transformer<T>> random_transformer(const TransformerConfig& config, std::uint64_t seed = 1) {
  auto model = std::make_unique<Transformer<T>>(config);
  randomise(model->parameters(), seed);
  return model;
}

/// The logits without recording gradients, row by row.
template <class T>
std::vector<T> logits_of(const Seq2Seq<T>& model, const Sentences& source, const Sentences& target) {
  Tape<T> tape;
  const Recording recording(tape);
  const NoGrad no_grad(tape);
  return values_of(model.logits(source.tokens(), target.tokens()));
}

/// How far two results may lie apart when only the order of additions differs.
template <class T>
constexpr double rounding = std::is_same_v<T, float> ? 1e-5 : 1e-12;

}  // namespace qkv
