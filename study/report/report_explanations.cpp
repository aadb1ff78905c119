#include "qkv/study/report/report_explanations.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "qkv/study/explain/explanation.h"
#include "qkv/study/graph/tape_graph.h"

namespace qkv {
namespace {

using nlohmann::ordered_json;

constexpr std::array<const char*, 4> left_out{"embeddings", "positions", "x", "memory"};
constexpr std::size_t most_terms = 8;  // of a cell

/// Every number in it with four significant digits.
void round_numbers(ordered_json& json) {
  if (json.is_number_float()) {
    const auto number = json.get<double>();
    if (std::isfinite(number)) json = std::stod(fmt::format("{:.4g}", number));
  } else if (json.is_structured()) {
    for (ordered_json& part : json) round_numbers(part);
  }
}

void shorten_cell(ordered_json& step) {
  if (step["cell"].is_object() && step["cell"]["terms"].size() > most_terms) step["cell"] = nullptr;
}

ordered_json shortened(ordered_json explanation) {
  ordered_json forward = ordered_json::array();
  for (ordered_json& step : explanation["forward"])
    if (std::ranges::find(left_out, step["name"].get<std::string>()) == left_out.end())
      forward.push_back(std::move(step));
  for (ordered_json& step : forward) shorten_cell(step);
  explanation["forward"] = std::move(forward);
  if (explanation.contains("backward"))
    for (ordered_json& step : explanation["backward"]) {
      step.erase("exact");
      shorten_cell(step);
    }
  round_numbers(explanation);
  return explanation;
}

}  // namespace

ordered_json explanations_of(const TrainedModel& trained, const std::vector<std::string>& source, bool backward) {
  SourceSentence sentence;
  sentence.words = source;
  Explainer explainer(trained, pair_with_own_translation(trained, sentence));
  ordered_json explanations = ordered_json::array();
  ExplainOptions options{.backward = backward, .projections = false};
  if (cross_attention(trained.config.model).layers == 0) {
    explanations.push_back(shortened(to_json(explainer.explain(options))));
    return explanations;
  }
  for (const AttentionKind kind : {AttentionKind::self, AttentionKind::causal, AttentionKind::cross}) {
    const AttentionCount count = attentions_in(explainer.pass(), kind);
    options.kind = kind;
    for (int layer = 0; layer < count.layers; ++layer) {
      options.backward = backward && layer + 1 == count.layers;
      for (int head = 0; head < count.heads; ++head) {
        options.layer = layer;
        options.head = head;
        explanations.push_back(shortened(to_json(explainer.explain(options))));
      }
    }
  }
  return explanations;
}

}  // namespace qkv
