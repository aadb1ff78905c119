#pragma once

#include <cstdint>

#include "qkv/study/explain/attention_head.h"
#include "qkv/study/explain/head_gradients.h"

namespace qkv {

/// How many passes on dual numbers the way back takes, its exact derivatives eight to a pass: through a head …
std::int64_t passes_through_head(const SentencePass& pass, const AttentionHeadMatrices& head,
                                 const HeadGradientOptions& options);

/// … and through a fixed context of so many features.
std::int64_t passes_through_context(const SentencePass& pass, int features);

}  // namespace qkv
