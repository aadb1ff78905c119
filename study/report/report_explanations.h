#pragma once

#include <nlohmann/json_fwd.hpp>

#include "qkv/datasets/pair.h"
#include "qkv/translation/saved_model.h"

namespace qkv {

/// How many sentences of a report are explained step by step, and how many of them, the first, backwards too: a head
/// takes some 5 kB of the page, and its exact gradients a hundred passes.
inline constexpr int most_explained = 2, most_explained_backwards = 1;

/// What `qkv explain --json` says of this sentence and the model's own translation of it, for each head of each
/// attention, or for the one fixed context vector; with `backward`, for the heads of the last layers backwards too.
/// What would make a page large is left out: what goes into the projections and their gradients, the exact derivatives,
/// of which the verdict stays, and cells that are sums of many terms. Numbers have four significant digits. Throws
/// std::invalid_argument for a sentence with more words than the model has positions for.
nlohmann::ordered_json explanations_of(const TrainedModel& trained, const std::vector<std::string>& source,
                                       bool backward);

}  // namespace qkv
