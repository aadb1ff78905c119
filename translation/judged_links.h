#pragma once

#include <span>
#include <vector>

#include "qkv/datasets/pair.h"
#include "qkv/datasets/tokeniser.h"

namespace qkv {

/// How attention between tokens is compared with gold links. Links that were made between words are judged between
/// words, so that the error is of the same links whatever the tokens are: the weight that target word t gives to source
/// word s is Σ_j w(i, j), over the tokens j of s, averaged over the tokens i of t; the space by itself belongs to no
/// word. Links that were made between characters are judged between tokens.
class JudgedLinks {
 public:
  /// Of a pair as a model reads it, see tokenised().
  JudgedLinks(const Pair& tokens, const Tokenisers& tokenisers);

  /// What is linked, words or tokens, with the gold links.
  const Pair& pair() const { return pair_; }

  /// The weights between what is linked, [target, source], of those between tokens: a row of `stride` weights for each
  /// target token, which begins with those of the source tokens.
  std::vector<float> weights(std::span<const float> of_tokens, std::size_t stride) const;

 private:
  Pair pair_;
  std::vector<int> source_, target_;  // of each token the number in pair_, or TokenPlace::none
};

}  // namespace qkv
