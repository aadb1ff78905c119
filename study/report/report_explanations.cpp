#include "qkv/study/report/report_explanations.h"

#include <cmath>
#include <fmt/format.h>
#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "qkv/study/explain/explanation.h"
#include "qkv/study/graph/tape_graph.h"

namespace qkv {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t most_terms = 8;  // of a cell

double four_digits(double number) { return std::isfinite(number) ? std::stod(fmt::format("{:.4g}", number)) : number; }

/// Every number in it with four significant digits.
void round_numbers(ordered_json& json) {
  if (json.is_number_float())
    json = four_digits(json.get<double>());
  else if (json.is_structured())
    for (ordered_json& part : json) round_numbers(part);
}

void shorten_cell(ordered_json& step) {
  if (step["cell"].is_object() && step["cell"]["terms"].size() > most_terms) step["cell"] = nullptr;
}

ordered_json for_report(ordered_json explanation) {
  for (ordered_json& step : explanation["forward"]) shorten_cell(step);
  if (explanation.contains("backward"))
    for (ordered_json& step : explanation["backward"]) {
      step.erase("exact");
      step.erase("shown");
      shorten_cell(step);
    }
  round_numbers(explanation);
  return explanation;
}

/// Writes each step once: one with the name, labels and numbers of an earlier explanation's points there.
void share_steps(std::vector<ordered_json>& explanations) {
  std::map<std::string, std::size_t> first;
  for (std::size_t i = 0; i < explanations.size(); ++i)
    for (ordered_json& step : explanations[i]["forward"]) {
      const ordered_json numbers{step["name"], step["rows"], step["columns"], step["values"]};
      const auto [found, is_new] = first.try_emplace(numbers.dump(), i);
      if (!is_new) step = {{"name", step["name"]}, {"same_as", found->second}};
    }
}

SentencePair pair_of(const TrainedModel& trained, const ReportSentence& sentence, bool with_reference) {
  SourceSentence source, target;
  source.words = sentence.source;
  if (!with_reference) return pair_with_own_translation(trained, source);
  target.words = sentence.reference.value();
  return pair_with_translation(trained, source, target);
}

/// A matrix as a list of rows; a vector is one.
ordered_json rows_of(std::span<const float> values, int columns) {
  ordered_json rows = ordered_json::array();
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i % static_cast<std::size_t>(columns) == 0) rows.push_back(ordered_json::array());
    rows.back().push_back(four_digits(static_cast<double>(values[i])));
  }
  return rows;
}

}  // namespace

ordered_json explanations_of(const TrainedModel& trained, const ReportSentence& sentence, const ReportExplanation& how,
                             Team& team) {
  const SentencePair pair = pair_of(trained, sentence, how.with_reference);
  const SentencePass pass(trained, pair);
  std::vector<ExplainOptions> heads;
  for (const AttentionKind kind : {AttentionKind::self, AttentionKind::causal, AttentionKind::cross}) {
    const AttentionCount count = attentions_in(pass, kind);
    for (int layer = 0; layer < count.layers; ++layer)
      for (int head = 0; head < count.heads; ++head) {
        ExplainOptions& options = heads.emplace_back();
        options.kind = kind;
        options.layer = layer;
        options.head = head;
        options.backward = how.backward && layer + 1 == count.layers;
        options.gradients.each_entry = false;
        options.row_formulas = head == 0;  // what a head reads is the same for all
      }
  }
  if (heads.empty()) {  // the one fixed context vector
    heads.emplace_back().backward = how.backward;
    heads.back().row_formulas = true;
  }
  std::vector<ordered_json> explanations(heads.size());
  team.run([&](int worker) {
    Explainer explainer(trained, pair);
    for (auto i = static_cast<std::size_t>(worker); i < heads.size(); i += static_cast<std::size_t>(team.size()))
      explanations[i] = for_report(to_json(explainer.explain(heads[i])));
  });
  share_steps(explanations);
  return explanations;
}

ordered_json projections_of(const TrainedModel& trained, const ordered_json& explanations) {
  const Parameters<float>& parameters = trained.model->parameters();
  ordered_json projections = ordered_json::object();
  for (const ordered_json& explanation : explanations) {
    if (explanation["attention"].is_null()) continue;
    const auto name = explanation["attention"]["name"].get<std::string>();
    if (projections.contains(name)) continue;
    ordered_json& those = projections[name] = ordered_json::object();
    for (std::size_t i = 0; i < parameters.entries().size(); ++i) {
      const auto& entry = parameters.entries()[i];
      for (const char* projection : {".query.", ".key.", ".value.", ".output."})
        if (entry.name.starts_with(name + projection))
          those[entry.name.substr(name.size() + 1)] = rows_of(parameters.values(i), entry.shape.last());
    }
  }
  return projections;
}

}  // namespace qkv
