#pragma once

#include <span>
#include <string>
#include <vector>

#include "qkv/translation/seq2seq.h"

namespace qkv {

/// While it exists, a model computes as if what one head of an attention found were zero. What the heads found is
/// joined to o = [o₀; o₁; …] and projected to W o + b; the columns of W that meet this head's part are zero meanwhile,
/// which is the same as o_head = 0 (Michel, Levy & Neubig 2019, section 2.3). In an RNN decoder the attention value v
/// is joined with the state h, so the columns of `combine` that meet v are. Which parameter W is follows from a forward
/// pass over a sentence of no words: it is what the attention's output is first multiplied by.
class HeadSwitchedOff {
 public:
  /// `attention`: its name, such as "decoder.layers.0.cross_attention", one of those that attention_of_sentence gives.
  /// Throws std::invalid_argument if the model has no such attention or head. The model must outlive it.
  HeadSwitchedOff(Seq2Seq<float>& model, const std::string& attention, int head);
  ~HeadSwitchedOff();
  HeadSwitchedOff(const HeadSwitchedOff&) = delete;
  HeadSwitchedOff& operator=(const HeadSwitchedOff&) = delete;

 private:
  std::span<float> weight_;
  std::vector<float> before_;
};

}  // namespace qkv
