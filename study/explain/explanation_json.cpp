#include <cmath>
#include <nlohmann/json.hpp>

#include "qkv/study/explain/explanation.h"
#include "qkv/translation/sentence_attention.h"

namespace qkv {
namespace {

using Json = nlohmann::ordered_json;

/// A list of rows; what a mask hides is null.
Json rows_of(const NumberMatrix& matrix) {
  Json rows = Json::array();
  for (int i = 0; i < matrix.rows; ++i) {
    Json row = Json::array();
    for (int j = 0; j < matrix.columns; ++j)
      row.push_back(std::isfinite(matrix(i, j)) ? Json(matrix(i, j)) : Json(nullptr));
    rows.push_back(std::move(row));
  }
  return rows;
}

Json to_json(const ExplainedStep& step) {
  Json json{{"name", step.name},
            {"title", step.title},
            {"formula", step.formula},
            {"rows", step.rows},
            {"columns", step.columns}};
  if (step.first_row > 0) json["first_row"] = step.first_row;
  if (step.first_column > 0) json["first_column"] = step.first_column;
  json["values"] = rows_of(step.values);
  json["cell"] = step.cell ? to_json(*step.cell) : Json(nullptr);
  for (const RowFormula& formula : step.row_formulas) json["row_formulas"].push_back(to_json(formula));
  if (!step.checked) return json;
  const CheckedGradient& checked = *step.checked;
  json["exact"] = rows_of(checked.exact);
  json["largest_difference"] = checked.largest_difference;
  json["agrees"] = checked.agrees;
  json["tolerance"] = CheckedGradient::tolerance;
  json["check"] = checked.is_exact_everywhere() ? "entry by entry"
                  : checked.exact.rows == 0
                      ? "along a random direction"
                      : "along a random direction, and the entries shown: the first rows and columns";
  if (!checked.is_exact_everywhere()) json["shown"] = {checked.exact.rows, checked.exact.columns};
  return json;
}

Json steps_of(const std::vector<ExplainedStep>& steps) {
  Json list = Json::array();
  for (const ExplainedStep& step : steps) list.push_back(to_json(step));
  return list;
}

Json to_json(const ExplainedLearning& learning, const std::optional<ExplainedAttention>& attention) {
  Json json{{"rate", learning.rate},
            {"loss_before", learning.loss_before},
            {"loss_after", learning.loss_after},
            {"loss_predicted", learning.loss_predicted}};
  json["weights"] = nullptr;
  double difference = std::abs(learning.loss_after - learning.loss_predicted);
  if (attention) {
    difference = 0;
    for (std::size_t e = 0; e < learning.predicted.numbers.size(); ++e)
      difference = std::max(difference, std::abs(learning.predicted.numbers[e] - learning.actual.numbers[e]));
    json["weights"] = {{"rows", attention->rows},
                       {"columns", attention->columns},
                       {"before", rows_of(learning.before)},
                       {"predicted", rows_of(learning.predicted)},
                       {"actual", rows_of(learning.actual)}};
  }
  json["largest_difference"] = difference;
  return json;
}

}  // namespace

Json to_json(const Explanation& explanation) {
  const SentencePair& pair = explanation.pair;
  std::vector<std::string> unknown = pair.unknown_source;
  unknown.insert(unknown.end(), pair.unknown_target.begin(), pair.unknown_target.end());
  Json json{{"model", explanation.model}, {"source", pair.source},       {"unknown", unknown},
            {"read", pair.read},          {"predicted", pair.predicted}, {"own_translation", pair.own_translation},
            {"loss", explanation.loss},   {"word", explanation.word}};
  json["attention"] = nullptr;
  json["rows"] = json["columns"] = Json::array();
  if (explanation.attention) {
    const ExplainedAttention& a = *explanation.attention;
    json["attention"] = {{"name", a.name},   {"kind", name_of(a.kind)}, {"layer", a.layer}, {"head", a.head},
                         {"heads", a.heads}, {"scale", a.scale},        {"score", a.score}};
    json["rows"] = a.rows;
    json["columns"] = a.columns;
  }
  if (explanation.of) {
    json["of"] = to_json(*explanation.of);
    return json;
  }
  json["forward"] = steps_of(explanation.forward);
  if (!explanation.backward.empty()) json["backward"] = steps_of(explanation.backward);
  if (explanation.learning) json["step"] = to_json(*explanation.learning, explanation.attention);
  return json;
}

}  // namespace qkv
