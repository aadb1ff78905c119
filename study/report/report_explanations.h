#pragma once

#include <nlohmann/json_fwd.hpp>

#include "qkv/study/report/report_sentences.h"
#include "qkv/train/team.h"
#include "qkv/translation/saved_model.h"

namespace qkv {

/// How a sentence of a report is explained.
struct ReportExplanation {
  bool with_reference = false;  ///< with its reference fed in, not with the model's own translation
  bool backward = false;        ///< the heads of the last layers backwards too
};

/// What `qkv explain --json` says of this sentence, for each head of each attention, or for the one fixed context
/// vector. Gradients are compared with the exact derivatives along one random direction of a matrix, which takes a
/// fraction of the time; the verdict stays. What no other step explains has a formula for each row; left out are cells
/// that are sums of many terms, which the page makes of the matrices. A step that an earlier explanation has too is
/// {"name", "same_as": that explanation's number}. Numbers have four significant digits. Throws std::invalid_argument
/// for a sentence with more words than the model has positions for.
nlohmann::ordered_json explanations_of(const TrainedModel& trained, const ReportSentence& sentence,
                                       const ReportExplanation& how, Team& team);

/// The parameters that queries, keys and values are made with and outputs are projected by, of each attention that
/// these explanations are of:
/// {"decoder.layers.0.cross_attention": {"query.weight": [[…], …], "query.bias": [[…]], …}, …}, with four significant
/// digits; those of all heads, one after the other.
nlohmann::ordered_json projections_of(const TrainedModel& trained, const nlohmann::ordered_json& explanations);

}  // namespace qkv
