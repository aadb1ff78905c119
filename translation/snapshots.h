#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "qkv/datasets/pair.h"
#include "qkv/datasets/vocabulary.h"
#include "qkv/translation/seq2seq.h"
#include "qkv/translation/step_log.h"

namespace qkv {

/// Whether training keeps a snapshot of the attention after so many steps: none, and then four for each power of ten,
/// 10, 20, 30, 50, 100, …, because attention changes most at the start.
bool is_snapshot_step(std::int64_t step);

/// The sentences that snapshots show: of the pairs whose source and target have at most 24 words, and no more than the
/// model can read, the first with about three, five and eight source words. Fewer where there are no others.
std::vector<Pair> snapshot_sentences(const Seq2Seq<float>& model, const std::vector<Pair>& pairs);

/// snapshots.jsonl of a run: how the attention weights of a few sentences, with their references fed in, change while a
/// model is trained. One JSON object a line:
///
///   {"step": …, "sentences": [{"source": [words], "target": [words], "attentions": [ATTENTION …]} …]}
///   ATTENTION = {"name": …, "kind": "self"|"causal"|"cross", "layer": …, "thousandths": [head][row][column]}
///
/// A source is read with `<eos>` behind it, a target with `<bos>` before it. Weights are whole thousandths. To take a
/// snapshot changes nothing of a training: it draws no random number.
class Snapshots {
 public:
  /// Opens the file to go on after `last_step`; see StepLog. A model without attention has no snapshots and no file,
  /// and neither has one of so many heads that a line would have more numbers than parse_json takes. Model and
  /// vocabularies must outlive it.
  Snapshots(const std::string& path, std::int64_t last_step, const Seq2Seq<float>& model, const Vocabulary& source,
            const Vocabulary& target, const std::vector<Pair>& pairs);

  /// Adds the model's attention as it is now, after this step, unless the file has that already or a weight is not
  /// finite, which the next loss reports.
  void take(std::int64_t step);

  /// Makes sure that all lines are in the file and on the disk. Throws std::runtime_error if one could not be written.
  void flush();

 private:
  struct Line {
    std::string text;
    std::size_t numbers = 0;
    bool is_finite = true;
  };
  Line line(std::int64_t step) const;

  const Seq2Seq<float>& model_;
  const Vocabulary &source_, &target_;
  std::vector<Pair> sentences_;
  std::optional<StepLog> lines_;
  std::int64_t last_step_ = -1;
};

}  // namespace qkv
