#include "qkv/study/score_table.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "qkv/files/message.h"
#include "qkv/study/bars.h"

namespace qkv {
namespace {

constexpr int bar_width = 24;

/// The exact match stands there as a number and, at the end, as a bar.
std::string line(const std::string& name, const Scores& scores, bool plain) {
  std::string text =
      fmt::format("  {:<12} {:>9} {:>11.1f} % {:>6.1f} {:>6.1f}  {}", name, scores.sentences, 100 * scores.exact_match,
                  scores.bleu, scores.chrf, bar(scores.exact_match, bar_width, plain));
  return text.erase(text.find_last_not_of(' ') + 1) + "\n";
}

std::string alignment_lines(const AlignmentScores& alignment, const std::optional<AlignmentReading>& chosen) {
  AlignmentScores::Entry entry = alignment.best();
  if (chosen) {
    const auto found = std::find_if(alignment.entries.begin(), alignment.entries.end(),
                                    [&](const AlignmentScores::Entry& e) { return e.reading == *chosen; });
    if (found != alignment.entries.end()) entry = *found;
  }
  const bool is_chosen = chosen && entry.reading == *chosen;
  return fmt::format(
      "  alignment error of the links that attention finds (0: perfect; 1: none right)\n"
      "    {:.3f}  layer {}, head {}, {} ({})\n"
      "    {:.3f}  if they were drawn at random; {:.3f} along the diagonal;\n"
      "    {:.3f}  is the least that one link for each word allows\n",
      entry.aer, entry.reading.layer, entry.reading.head,
      entry.reading.offset == 0 ? "where a word is predicted" : "where a word is read",
      is_chosen ? "chosen in validation" : "the best of all here", alignment.uniform, alignment.diagonal,
      alignment.floor);
}

std::string perplexity_of(const Evaluation& evaluation) {
  const double perplexity = evaluation.perplexity();
  return std::isfinite(perplexity) ? fmt::format("{:.3f}", perplexity) : "too large for a number";
}

}  // namespace

std::string score_table(const std::string& name, const Evaluation& evaluation,
                        const std::optional<AlignmentReading>& chosen, bool plain) {
  std::string text = fmt::format("{}: loss {:.4f} per token, perplexity {}, token accuracy {:.2f} %\n", name,
                                 evaluation.loss, perplexity_of(evaluation), 100 * evaluation.token_accuracy);
  text +=
      fmt::format("  {:<12} {:>9} {:>13} {:>6} {:>6}\n", "source words", "sentences", "exact match", "BLEU", "chrF");
  for (const LengthScores& length : evaluation.by_length) text += line(length.name(), length.scores, plain);
  if (evaluation.by_length.size() > 1) text += line("all", evaluation.scores, plain);
  if (evaluation.cut > 0)
    text += fmt::format("  {} of {} {} cut off after 2 x source words + 10\n", evaluation.cut,
                        counted(evaluation.translations.size(), "translation"), evaluation.cut == 1 ? "was" : "were");
  if (evaluation.alignment) text += alignment_lines(*evaluation.alignment, chosen);
  return text;
}

}  // namespace qkv
