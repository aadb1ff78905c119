#include "qkv/study/compare/comparison_table.h"

#include <algorithm>
#include <fmt/format.h>

#include "qkv/files/message.h"
#include "qkv/study/terminal_text.h"

namespace qkv {
namespace {

/// The models of the first table, simplest first.
constexpr const char* columns_of_table[] = {"rnn", "rnn-attention", "transformer"};

std::size_t matched_model(const Comparison& comparison, const std::string& name) {
  const auto found = std::find_if(comparison.models.begin(), comparison.models.end(),
                                  [&](const ComparedModel& model) { return model.matched && model.model() == name; });
  return static_cast<std::size_t>(found - comparison.models.begin());
}

const ScoreRow* row_of(const ModelMeasures& measures, const std::string& set, const std::string& length) {
  for (const ScoreRow& row : measures.scores)
    if (row.set == set && row.length == length) return &row;
  return nullptr;
}

std::string line(const std::string& first, const std::vector<std::string>& cells) {
  std::string text = left_aligned(first, 23);
  for (const std::string& cell : cells) text += right_aligned(cell, 19);
  return text + "\n";
}

std::string heading(const std::string& first) {
  return line(first, {columns_of_table[0], columns_of_table[1], columns_of_table[2]});
}

/// What `cell_of` says of each matched model.
template <class CellOf>
std::string model_line(const Comparison& comparison, const std::string& first, const CellOf& cell_of) {
  std::vector<std::string> cells;
  for (const char* name : columns_of_table) {
    const std::size_t model = matched_model(comparison, name);
    cells.push_back(cell_of(comparison.models[model], comparison.of_models[model]));
  }
  return line(first, cells);
}

std::string in_percent(const Interval& share) {
  return fmt::format("{:.1f} [{:.0f}, {:.0f}]", 100 * share.value, 100 * share.low, 100 * share.high);
}

std::string exact_match_by_length(const Comparison& comparison) {
  std::string text = heading("% exact match") +
                     model_line(comparison, "parameters",
                                [](const auto& model, const auto&) { return fmt::format("{:.0f}", model.parameters); });
  const ModelMeasures& any = comparison.of_models.front();
  for (const ComparisonSet& set : comparison.sets) {
    text += fmt::format("{}\n", set.training ? set.name + ", sentences that were trained on" : set.name);
    const auto add = [&](const std::string& length, const std::string& name) {
      const ScoreRow* row = row_of(any, set.name, length);
      if (row == nullptr) return;
      text += model_line(comparison, fmt::format("  {:<13}{:>6}", name, row->sentences),
                         [&](const auto&, const ModelMeasures& measures) {
                           return in_percent(row_of(measures, set.name, length)->exact_match);
                         });
    };
    for (const LengthBucket& bucket : comparison.lengths)
      add(bucket.name(), bucket.name() + (bucket.seen ? "" : " unseen"));
    add("all", "all");
  }
  return text;
}

std::string other_scores(const Comparison& comparison) {
  std::string text = heading("BLEU, chrF, % tokens");
  for (const ComparisonSet& set : comparison.sets)
    text += model_line(comparison, "  " + set.name, [&](const auto&, const ModelMeasures& measures) {
      const ScoreRow& row = *row_of(measures, set.name, "all");
      return fmt::format("{:.1f} {:.1f} {:.1f}", row.bleu.value, row.chrf.value, 100 * row.token_accuracy.value);
    });
  return text;
}

/// The alignment error rates, mean over the seeds.
std::string alignment(const Comparison& comparison) {
  std::string text;
  for (std::size_t set = 0; set < comparison.sets.size(); ++set) {
    const auto rate_of = [&](const ComparedModel& model, const ModelMeasures&) {
      std::vector<double> rates;
      for (const RunMeasures& run : comparison.of_runs)
        if (&comparison.models[run.model] == &model && run.alignment[set]) rates.push_back(run.alignment[set]->aer);
      return rates.empty() ? std::string("-") : fmt::format("{:.3f}", mean_interval(rates).value);
    };
    const std::string row = model_line(comparison, "  " + comparison.sets[set].name, rate_of);
    if (row.find('.') != std::string::npos) text += row;
  }
  return text.empty() ? "" : fmt::format("\n{}{}", heading("alignment error rate"), text);
}

std::string cost(const Comparison& comparison) {
  std::string text = heading("1000 multiply-adds, µs");
  for (std::size_t i = 0; i < comparison.of_models.front().cost.size(); ++i) {
    const std::string& length = comparison.of_models.front().cost[i].length;
    text += model_line(comparison, fmt::format("  {} words", length), [&](const auto&, const ModelMeasures& measures) {
      const CostRow& row = measures.cost[i];
      return fmt::format("{:.1f} {:.0f}", row.multiply_adds / 1000, row.microseconds.value);
    });
  }
  return text;
}

/// Exact match by width on the first unseen set, of the RNN models; the matched ones among them.
std::string by_width(const Comparison& comparison) {
  if (comparison.options.hidden.empty()) return "";
  const auto set = std::find_if(comparison.sets.begin(), comparison.sets.end(),
                                [](const ComparisonSet& one) { return !one.training; });
  std::string text = left_aligned(fmt::format("% exact match on {}", set->name), 24);
  for (const LengthBucket& bucket : comparison.lengths)
    if (bucket.seen) text += right_aligned(bucket.name(), 8);
  text += right_aligned("all", 8) + "\n";
  for (const char* name : {"rnn", "rnn-attention"}) {
    std::vector<std::size_t> models;
    for (std::size_t i = 0; i < comparison.models.size(); ++i)
      if (comparison.models[i].model() == name) models.push_back(i);
    std::sort(models.begin(), models.end(),
              [&](std::size_t a, std::size_t b) { return comparison.models[a].width < comparison.models[b].width; });
    for (const std::size_t i : models) {
      text += left_aligned(fmt::format("  {} {}", name, comparison.models[i].width), 24);
      const auto add = [&](const std::string& length) {
        const ScoreRow* row = row_of(comparison.of_models[i], set->name, length);
        text += right_aligned(row == nullptr ? "-" : fmt::format("{:.1f}", 100 * row->exact_match.value), 8);
      };
      for (const LengthBucket& bucket : comparison.lengths)
        if (bucket.seen) add(bucket.name());
      add("all");
      text += "\n";
    }
  }
  return "\n" + text;
}

}  // namespace

std::string comparison_table(const Comparison& comparison) {
  const ComparisonOptions& options = comparison.options;
  return fmt::format(
             "{} of each model, {} each, on {}; the means,\nwith the 95 % interval that follows from the number of "
             "sentences\n\n",
             counted(comparison.seeds.size(), "training"), counted(static_cast<std::size_t>(options.epochs), "epoch"),
             counted(comparison.data.training_pairs, "pair")) +
         exact_match_by_length(comparison) + "\n" + other_scores(comparison) + alignment(comparison) + "\n" +
         cost(comparison) + by_width(comparison);
}

}  // namespace qkv
