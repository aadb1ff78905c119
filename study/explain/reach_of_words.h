#pragma once

#include <vector>

#include "qkv/study/explain/explained_step.h"

namespace qkv {

/// How much of ∂loss reaches each word of the source: the norm of its embedding's gradient, by the tape.
ExplainedStep reach_of_words(const SentencePass& pass, const TakeApart& take_apart, int word);

/// The gradient of each embedding, and then the same; both beside their exact derivatives.
std::vector<ExplainedStep> checked_reach_of_words(ExactDerivatives& exact, const TakeApart& take_apart, int word);

}  // namespace qkv
