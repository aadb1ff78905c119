#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "qkv/translation/saved_model.h"

namespace qkv {

/// A sentence that the report shows in full, as tokens.
struct ReportSentence {
  Sentence source;
  std::vector<std::string> unknown;   ///< tokens of it that the model does not know
  std::optional<Sentence> reference;  ///< its translation, where there is one
  std::vector<Link> links;            ///< gold links between source and reference
  bool given = false;                 ///< somebody asked for it
  LinkUnit link_unit = LinkUnit::word;
};

/// Translates the sentences and looks at them, one object each: "source" (with <eos>), "unknown", "read" (with <bos>),
/// "predicted" (with <eos>, unless it was cut), "reference", all of them tokens, "text" (what these are as people write
/// them: "source", "reference", "translation"), "given", "exact", "edits" (in words; 0 without a reference), "links"
/// ([[source, target, sure]], between tokens), "attentions" (every layer and head; with the alignment error "aer" of
/// each head where there are gold links, the reference fed in and read where a word is predicted, "aer_next" where it
/// is read), "switched_off" (each head in turn: what the translation becomes, as tokens and "text", and the loss of the
/// translation before), "loss" and "loss_of_words" (cross-entropy of the model's own translation), "explained". The
/// parameters change while it works and are as before in the end. Throws std::invalid_argument for a sentence with more
/// tokens than the model has positions for.
nlohmann::ordered_json report_sentences(TrainedModel& trained, const std::vector<ReportSentence>& sentences);

/// The least number of words to insert, delete or replace that turns one sentence into the other.
std::size_t word_edits(const Sentence& a, const Sentence& b);

}  // namespace qkv
