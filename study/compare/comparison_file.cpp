#include "qkv/study/compare/comparison_file.h"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "qkv/files/durable_file.h"
#include "qkv/translation/parse_json.h"
#include "qkv/translation/version.h"

namespace qkv {
namespace {

using Json = nlohmann::ordered_json;

constexpr int schema = 1;

Json to_json(const Interval& interval) {
  return {{"value", interval.value}, {"low", interval.low}, {"high", interval.high}};
}

Json to_json(const SeedInterval& interval) {
  Json json = to_json(static_cast<const Interval&>(interval));
  json["least"] = interval.least;
  json["most"] = interval.most;
  return json;
}

/// Score is Interval, for one run, or SeedInterval.
template <class Score>
Json to_json(const std::vector<ScoreRow>& rows) {
  Json json = Json::array();
  for (const ScoreRow& row : rows) {
    const auto score = [](const Score& measured) { return to_json(measured); };
    json.push_back({{"set", row.set},
                    {"length", row.length},
                    {"seen", row.seen},
                    {"n", row.sentences},
                    {"tokens", row.tokens},
                    {"exact_match", score(row.exact_match)},
                    {"bleu", score(row.bleu)},
                    {"chrf", score(row.chrf)},
                    {"token_accuracy", score(row.token_accuracy)}});
  }
  return json;
}

Json to_json(const GradientCurve& curve) {
  Json json{{"of", curve.of}, {"by", curve.by}, {"points", Json::array()}};
  for (const GradientPoint& point : curve.points)
    json["points"].push_back(
        {{"distance", point.distance}, {"n", point.n}, {"norm", to_json(point.norm)}, {"share", to_json(point.share)}});
  return json;
}

Json to_json(const EntropyRow& row) {
  return {{"kind", row.kind},
          {"length", row.length},
          {"n", row.n},
          {"bits", to_json(row.bits)},
          {"uniform_bits", row.uniform_bits}};
}

Json to_json(const CostRow& row) {
  return {{"length", row.length},
          {"n", row.n},
          {"source_words", row.source_words},
          {"target_words", row.target_words},
          {"multiply_adds", row.multiply_adds},
          {"encoder_multiply_adds", row.encoder_multiply_adds},
          {"microseconds", to_json(row.microseconds)}};
}

template <class Rows>
Json list_of(const Rows& rows) {
  Json json = Json::array();
  for (const auto& row : rows) json.push_back(to_json(row));
  return json;
}

/// Of all runs of one model, the mean, least and most on each set.
Json alignment_of_model(const Comparison& comparison, std::size_t model) {
  Json json = Json::array();
  for (std::size_t set = 0; set < comparison.sets.size(); ++set) {
    std::vector<double> rates;
    ComparedAlignment last;
    for (const RunMeasures& run : comparison.of_runs)
      if (run.model == model && run.alignment[set]) rates.push_back((last = *run.alignment[set]).aer);
    if (rates.empty()) continue;
    const auto [least, most] = std::minmax_element(rates.begin(), rates.end());
    json.push_back({{"set", comparison.sets[set].name},
                    {"aer", {{"value", mean_interval(rates).value}, {"least", *least}, {"most", *most}}},
                    {"uniform", last.uniform},
                    {"diagonal", last.diagonal},
                    {"floor", last.floor}});
  }
  return json;
}

Json alignment_of_run(const Comparison& comparison, const RunMeasures& run) {
  Json json = Json::array();
  for (std::size_t set = 0; set < comparison.sets.size(); ++set) {
    if (!run.alignment[set]) continue;
    const auto& [reading, chosen, aer, uniform, diagonal, floor] = *run.alignment[set];
    json.push_back({{"set", comparison.sets[set].name},
                    {"aer", aer},
                    {"layer", reading.layer},
                    {"head", reading.head},
                    {"offset", reading.offset},
                    {"chosen", chosen}});
  }
  return json;
}

Json to_json(const Comparison& comparison, std::size_t i) {
  const ComparedModel& model = comparison.models[i];
  const ModelMeasures& measures = comparison.of_models[i];
  Json json{{"model", model.model()},
            {"width", model.width},
            {"matched", model.matched},
            {"parameters", static_cast<std::int64_t>(model.parameters)},
            {"against_transformer", model.parameters / comparison.models.front().parameters},
            {"settings", Json::object()},
            {"lr", model.config.lr}};
  const Json all = qkv::to_json(model.config);
  std::visit(
      [&](const auto& config) {
        config.visit(config,
                     [&](const std::string& name, const auto&, const Setting&) { json["settings"][name] = all[name]; });
      },
      model.config.model);
  json["seeds"] = comparison.seeds;
  json["scores"] = to_json<SeedInterval>(measures.scores);
  json["alignment"] = alignment_of_model(comparison, i);
  if (!model.matched) return json;
  json["gradients"] = list_of(measures.gradients);
  json["entropy"] = list_of(measures.entropy);
  json["cost"] = list_of(measures.cost);
  return json;
}

Json to_json(const Comparison& comparison, const RunMeasures& run) {
  const ComparedModel& model = comparison.models[run.model];
  return {{"name", run.name},
          {"model", model.model()},
          {"width", model.width},
          {"matched", model.matched},
          {"seed", run.seed},
          {"parameters", static_cast<std::int64_t>(model.parameters)},
          {"scores", to_json<Interval>(run.scores)},
          {"alignment", alignment_of_run(comparison, run)}};
}

}  // namespace

nlohmann::ordered_json comparison_json(const Comparison& comparison) {
  const ComparisonOptions& options = comparison.options;
  Json json{{"qkv", version}, {"kind", "comparison"}, {"schema", schema}};
  json["data"] = {{"folder", options.data},
                  {"train_pairs", comparison.data.training_pairs},
                  {"source_vocabulary", comparison.data.source_vocabulary},
                  {"target_vocabulary", comparison.data.target_vocabulary},
                  {"sets", Json::array()}};
  for (const ComparisonSet& set : comparison.sets)
    json["data"]["sets"].push_back({{"name", set.name}, {"sentences", set.pairs.size()}, {"training", set.training}});
  json["settings"] = {{"seeds", options.seeds},
                      {"first_seed", options.first_seed},
                      {"epochs", options.epochs},
                      {"batch_size", options.batch_size},
                      {"d_model", options.d_model},
                      {"layers", options.layers},
                      {"hidden", options.hidden},
                      {"warmup", comparison.models.front().config.warmup},
                      {"tokenizer", name_of(options.tokenizer)}};
  json["lengths"] = Json::array();
  for (const LengthBucket& bucket : comparison.lengths)
    json["lengths"].push_back(
        {{"name", bucket.name()}, {"shortest", bucket.shortest}, {"longest", bucket.longest}, {"seen", bucket.seen}});
  json["models"] = Json::array();
  for (std::size_t i = 0; i < comparison.models.size(); ++i) json["models"].push_back(to_json(comparison, i));
  json["runs"] = Json::array();
  for (const RunMeasures& run : comparison.of_runs) json["runs"].push_back(to_json(comparison, run));
  return json;
}

std::string comparison_csv(const Comparison& comparison) {
  std::string text = "model,seed,width,set,length,measure,n,value,low,high\n";
  for (const RunMeasures& run : comparison.of_runs) {
    const ComparedModel& model = comparison.models[run.model];
    const auto begin = [&](const std::string& set, const std::string& length, const char* measure, std::size_t n) {
      text += fmt::format("{},{},{},{},{},{},{},", model.model(), run.seed, model.width, set, length, measure, n);
    };
    for (const ScoreRow& row : run.scores)
      for (const auto& [measure, score] :
           {std::pair("exact_match", &row.exact_match), std::pair("bleu", &row.bleu), std::pair("chrf", &row.chrf),
            std::pair("token_accuracy", &row.token_accuracy)}) {
        begin(row.set, row.length, measure, row.sentences);
        text += fmt::format("{},{},{}\n", score->value, score->low, score->high);
      }
    for (std::size_t set = 0; set < comparison.sets.size(); ++set)
      if (run.alignment[set]) {
        begin(comparison.sets[set].name, "all", "aer", comparison.sets[set].pairs.size());
        text += fmt::format("{},,\n", run.alignment[set]->aer);
      }
  }
  return text;
}

nlohmann::json read_comparison(const std::string& path) {
  namespace fs = std::filesystem;
  const std::string file = fs::is_directory(path) ? (fs::path(path) / "compare.json").string() : path;
  if (!fs::exists(file)) throw std::runtime_error(fmt::format("{} holds no comparison: there is no {}", path, file));
  nlohmann::json json;
  try {
    json = parse_json(read_file(file));
  } catch (const JsonError& error) {
    throw std::runtime_error(fmt::format("{}: not valid JSON: {}", file, error.what()));
  }
  const auto refuse = [&](const std::string& what) { throw std::runtime_error(fmt::format("{}: {}", file, what)); };
  if (!json.is_object() || !json.contains("kind") || json["kind"] != "comparison") refuse("this is no comparison");
  if (!json.contains("schema") || json["schema"] != schema)
    refuse(
        fmt::format("a comparison of schema {}, of which this version reads {}; compare again, which keeps the "
                    "trained runs",
                    json.contains("schema") ? described(json["schema"]) : "none", schema));
  for (const char* key : {"data", "settings"})
    if (!json.contains(key) || !json[key].is_object()) refuse(fmt::format("there is no object \"{}\" in it", key));
  for (const char* key : {"lengths", "models", "runs"})
    if (!json.contains(key) || !json[key].is_array() || json[key].empty())
      refuse(fmt::format("there is no list \"{}\" in it", key));
  for (const auto& model : json["models"])
    for (const char* key : {"model", "width", "matched", "parameters", "scores"})
      if (!model.is_object() || !model.contains(key)) refuse(fmt::format("a model in it has no \"{}\"", key));
  return json;
}

}  // namespace qkv
