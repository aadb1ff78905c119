#include "study/score_table.h"

#include <fmt/format.h>

#include <algorithm>

namespace qkv {

namespace {

std::string line(const std::string& name, const Scores& scores) {
  return fmt::format("  {:<12} {:>9} {:>10.1f} % {:>6.1f} {:>6.1f}\n", name, scores.sentences, 100 * scores.exact_match,
                     scores.bleu, scores.chrf);
}

std::string alignment_line(const AlignmentScores& alignment, const std::optional<AlignmentReading>& chosen) {
  AlignmentScores::Entry entry = alignment.best();
  if (chosen) {
    const auto found = std::find_if(alignment.entries.begin(), alignment.entries.end(),
                                    [&](const AlignmentScores::Entry& e) { return e.reading == *chosen; });
    if (found != alignment.entries.end()) entry = *found;
  }
  return fmt::format(
      "  links: alignment error {:.3f} in layer {}, head {}, offset {} ({})\n"
      "         to compare: drawn at random {:.3f}, diagonal {:.3f}, least that one link a word allows {:.3f}\n",
      entry.aer, entry.reading.layer, entry.reading.head, entry.reading.offset,
      chosen ? "chosen on the validation set" : "the best of all", alignment.uniform, alignment.diagonal,
      alignment.floor);
}

}  // namespace

std::string score_table(const std::string& name, const Evaluation& evaluation,
                        const std::optional<AlignmentReading>& chosen) {
  std::string text = fmt::format("{}: loss {:.4f} per token, perplexity {:.3f}, token accuracy {:.2f} %\n", name,
                                 evaluation.loss, evaluation.perplexity(), 100 * evaluation.token_accuracy);
  text +=
      fmt::format("  {:<12} {:>9} {:>12} {:>6} {:>6}\n", "source words", "sentences", "exact match", "BLEU", "chrF");
  for (const LengthScores& length : evaluation.by_length) text += line(length.name(), length.scores);
  if (evaluation.by_length.size() > 1) text += line("all", evaluation.scores);
  if (evaluation.cut > 0) text += fmt::format("  {} translations were cut off at the most words\n", evaluation.cut);
  if (evaluation.alignment) text += alignment_line(*evaluation.alignment, chosen);
  return text;
}

}  // namespace qkv
