#pragma once

#include <string>
#include <vector>

#include "qkv/translation/saved_model.h"

namespace qkv {

/// What one check of a trained model found.
struct RunCheck {
  std::string name;  ///< "operations", "causality", "padding" or "parameters"
  bool passed = true;
  std::string result;              ///< in a few words
  std::vector<std::string> notes;  ///< what is wrong, or should be known besides
};

/// Checks a trained model at its own parameters, in double, on a sentence and the model's own translation of it:
///   operations   each operation's backward by itself (see autograd/gradcheck/operation_check.h)
///   causality    no target word changes what is predicted before it, to the bit
///   padding      a sentence gets the same logits alone and beside a longer one, up to rounding
///   parameters   which ones the sentence's loss does not depend on, and why
/// Throws std::invalid_argument if the sentence is empty or longer than the model's positions, std::runtime_error if
/// there is not enough memory for a copy of the model on dual numbers.
std::vector<RunCheck> check_run(const TrainedModel& trained, const Sentence& sentence);

/// A sentence of the source's most frequent words, for a check to which none is given.
Sentence frequent_words(const TrainedModel& trained);

}  // namespace qkv
