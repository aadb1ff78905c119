#pragma once

#include <string>
#include <vector>

#include "qkv/study/explain/explained_step.h"

namespace qkv {

/// Where the embeddings of a sentence lie on the tape: its node looked up this table. Throws std::logic_error if
/// nothing did.
const Node<double>* embeddings_from(const SentencePass& pass, const std::string& table);

/// How much of ∂loss reaches each word of the source: the gradient of its embedding, and the norm of that.
std::vector<ExplainedStep> reach_of_words(ExactDerivatives& exact, const TakeApart& take_apart, int word);

}  // namespace qkv
