#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "qkv/datasets/tokeniser.h"

namespace qkv {

/// What a run folder tells of its training, as the report shows it. All of these throw std::runtime_error, which names
/// the file and the line, if a file is damaged; half a last line, which a training that was killed leaves, is left out.

/// The lines of metrics.jsonl: {"steps": {"step": […], "loss", "lr", "gradient_norm"}, "validations": {"step": […],
/// "valid_loss", "valid_bleu", "valid_exact"}}. Of more than 600 steps the mean of as many following each other as
/// makes 600 points or fewer; the step is that of the last of them.
nlohmann::ordered_json training_history(const std::string& path);

/// test.json, the scores by the name of each test set.
nlohmann::ordered_json test_scores(const std::string& path);

/// The lines of snapshots.jsonl by sentence and attention: {"steps": […], "sentences": [{"source": [words, <eos>],
/// "read": [<bos>, words], "predicted": [words, <eos>], "text": {"source", "reference"}, "attentions": [{"name",
/// "kind", "layer", "heads", "rows", "columns", "weights": [snapshot][head][row][column]}]}]}; what is called words is
/// tokens, "text" what they make. Lines about other sentences than the last line's, as another validation set leaves
/// them, are left out. null if there is no line.
nlohmann::ordered_json snapshot_history(const std::string& path, const Tokenisers& tokenisers);

}  // namespace qkv
