#include "qkv/study/report/report.h"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <numeric>
#include <stdexcept>

#include "qkv/datasets/visible_text.h"
#include "qkv/files/message.h"
#include "qkv/study/compare/comparison_file.h"
#include "qkv/study/graph/tape_graph.h"
#include "qkv/study/report/report_explanations.h"
#include "qkv/study/report/report_sentences.h"
#include "qkv/study/report/report_translations.h"
#include "qkv/study/report/run_history.h"
#include "qkv/translation/run_folder.h"
#include "qkv/translation/source_sentence.h"
#include "qkv/translation/training_data.h"
#include "qkv/translation/version.h"

namespace qkv {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

constexpr std::size_t most_boxes = 40;
constexpr std::size_t least_explained = 3;  // sentences, step by step

/// Why a part is empty: a word for programs, a sentence for people, and the place that it speaks of.
ordered_json missing(const char* reason, const std::string& text, const std::string& place = "") {
  ordered_json json{{"reason", reason}, {"text", text}};
  if (!place.empty()) json["place"] = place;
  return json;
}

/// One run, looked at from all sides.
class Report {
 public:
  explicit Report(const ReportOptions& options)
      : options_(options), folder_{options.run}, given_(options.sentences), trained_(load_run(options.run)) {}

  ordered_json operator()() {
    const std::vector<ReportSentence> given = given_sentences();  // before anything that takes long
    ordered_json compared = comparison(), training = history(), tests = scores(), evolution = snapshots();
    const std::vector<TranslatedSet> sets = translated_sets();
    std::vector<ReportSentence> sentences = given;
    for (ReportSentence& sentence : chosen_sentences(sets, trained_.source)) sentences.push_back(std::move(sentence));
    if (sentences.empty())
      missing_["sentences"] = missing("no-sentence", "There is no test set, and no sentence was asked for.");
    explain_missing_links(sets);
    stage(fmt::format("looking at {}", counted(sentences.size(), "sentence")));
    ordered_json shown = report_sentences(trained_, sentences);
    ordered_json projections = add_explanations(sentences, shown);
    ordered_json graph = computation_graph(sentences);
    return {{"version", version},
            {"run", visible(options_.run)},
            {"model", name_of(trained_.config.model)},
            {"title", fmt::format("{} in {}", name_of(trained_.config.model), visible(options_.run))},
            {"settings", to_json(trained_.config)},
            {"parameters", trained_.model->parameters().count()},
            {"vocabulary", {{"source", trained_.source.size()}, {"target", trained_.target.size()}}},
            {"missing", std::move(missing_)},
            {"training", std::move(training)},
            {"tests", std::move(tests)},
            {"translations", to_json(sets)},
            {"sentences", std::move(shown)},
            {"projections", std::move(projections)},
            {"snapshots", std::move(evolution)},
            {"compare", std::move(compared)},
            {"graph", std::move(graph)}};
  }

 private:
  bool has_attention() const { return cross_attention(trained_.config.model).layers > 0; }

  std::vector<ReportSentence> given_sentences() const {
    std::vector<ReportSentence> sentences;
    for (std::size_t i = 0; i < given_.size(); ++i) {
      const std::string place = fmt::format("sentence {} of the arguments", i + 1);
      try {
        const SourceSentence read = read_source(given_[i], trained_.source, *trained_.tokenisers.source);
        if (read.words.size() > static_cast<std::size_t>(trained_.model->most_source_words()))
          throw std::runtime_error(fmt::format("{}: it has {}, but this model has positions for {}", place,
                                               counted(read.words.size(), name_of_token(*trained_.tokenisers.source)),
                                               trained_.model->most_source_words()));
        if (!read.words.empty()) {
          sentences.push_back({read.words, read.unknown, {}, {}, true});
          continue;
        }
      } catch (const std::invalid_argument& error) {  // it is not UTF-8
        throw std::runtime_error(fmt::format("{}: {}", place, error.what()));
      }
      throw std::invalid_argument(fmt::format("{} has no words; there is nothing to show of it", place));
    }
    return sentences;
  }

  /// compare.json of `qkv compare`.
  ordered_json comparison() {
    if (options_.compare.empty()) {
      missing_["compare"] = missing("no-comparison", "No comparison was given.");
      return nullptr;
    }
    return ordered_json(read_comparison(options_.compare));
  }

  ordered_json history() {
    const auto empty = [] { return ordered_json::array(); };
    ordered_json found{
        {"steps", {{"step", empty()}, {"loss", empty()}, {"lr", empty()}, {"gradient_norm", empty()}}},
        {"validations",
         {{"step", empty()}, {"valid_loss", empty()}, {"valid_bleu", empty()}, {"valid_exact", empty()}}}};
    if (fs::exists(folder_.metrics())) found = training_history(folder_.metrics());
    if (!fs::exists(folder_.metrics()))
      missing_["training"] =
          missing("no-metrics", "This run has no metrics.jsonl, which training writes step by step.");
    else if (found["steps"]["step"].empty())
      missing_["training"] = missing("no-step", "The model is as it was before training: metrics.jsonl holds no step.");
    if (found["validations"]["step"].empty())
      missing_["validation"] = missing(
          "no-validation", "metrics.jsonl holds no validation: there was no validation set, or training ended before.");
    return found;
  }

  ordered_json scores() {
    if (fs::exists(folder_.test())) return test_scores(folder_.test());
    missing_["test"] =
        missing("no-scores", "This run has no test.json: there was no test set, or training has not ended.");
    return ordered_json::object();
  }

  ordered_json snapshots() {
    if (!has_attention()) {
      missing_["snapshots"] =
          missing("no-attention", fmt::format("The model {} has no attention.", name_of(trained_.config.model)));
      return nullptr;
    }
    ordered_json found =
        fs::exists(folder_.snapshots()) ? snapshot_history(folder_.snapshots(), trained_.tokenisers) : nullptr;
    if (found.is_null())
      missing_["snapshots"] =
          missing("no-snapshots",
                  "This run kept no snapshots of its attention, as a training does now; train it anew to see how "
                  "attention came about.");
    return found;
  }

  /// The test sets, where they are given or were when the model was trained.
  std::vector<std::pair<std::string, std::string>> test_files() {
    const TrainingConfig& config = trained_.config;
    const std::string place = !options_.data.empty() ? options_.data : !config.data.empty() ? config.data : config.test;
    if (place.empty()) {
      missing_["translations"] =
          missing("no-test-set", "This run was trained without a test set, so none was translated.");
      return {};
    }
    if (!options_.data.empty() && !fs::exists(place))
      throw std::runtime_error(fmt::format("{}: there is no such file or folder", place));
    std::vector<std::pair<std::string, std::string>> files;
    if (fs::is_regular_file(place)) {
      const bool is_named = !options_.data.empty();
      files.emplace_back(is_named ? visible(fs::path(place).stem().string()) : "test", place);
    }
    if (fs::is_directory(place))
      for (const std::string name : test_sets)
        if (const fs::path file = fs::path(place) / (name + ".csv"); fs::exists(file))
          files.emplace_back(name, file.string());
    if (files.empty())
      missing_["translations"] = missing(
          "no-test-files",
          fmt::format("There is no test set at {}, {}, so none was translated.", visible(place),
                      options_.data.empty() ? "where it was when the model was trained" : "which was named for it"),
          visible(place));
    return files;
  }

  std::vector<TranslatedSet> translated_sets() {
    Team team(options_.workers);
    std::vector<TranslatedSet> sets;
    for (const auto& [name, file] : test_files()) {
      stage(fmt::format("translating {}", name));
      sets.push_back(translated_set(trained_, name, file, team));
    }
    return sets;
  }

  void explain_missing_links(const std::vector<TranslatedSet>& sets) {
    if (!has_attention()) {
      missing_["alignment"] =
          missing("no-attention", fmt::format("The model {} has no attention.", name_of(trained_.config.model)));
      return;
    }
    for (const TranslatedSet& set : sets)
      for (const Pair& pair : set.pairs)
        if (!pair.links.empty()) return;
    missing_["alignment"] = missing("no-links", "The test sets have no gold links between words.");
  }

  struct Explained {
    std::size_t sentence;
    ReportExplanation how;
  };

  /// The sentences that were asked for, then the shortest that is translated wrong, then the shortest of the others.
  /// The first of all is explained backwards too, and the wrong one, with its reference: a model that is sure of its
  /// own translation has next to no gradient.
  static std::vector<Explained> to_explain(const std::vector<ReportSentence>& sentences, const ordered_json& shown) {
    std::vector<Explained> chosen;
    std::vector<std::size_t> others;
    for (std::size_t i = 0; i < sentences.size(); ++i)
      if (sentences[i].given)
        chosen.push_back({i, {}});
      else
        others.push_back(i);
    std::ranges::stable_sort(others, {}, [&](std::size_t i) { return sentences[i].source.size(); });
    const auto wrong =
        std::ranges::find_if(others, [&](std::size_t i) { return shown[i]["edits"].get<std::size_t>() > 0; });
    if (wrong != others.end()) {
      chosen.push_back({*wrong, {.with_reference = true, .backward = true}});
      others.erase(wrong);
    }
    for (const std::size_t i : others)
      if (chosen.size() < least_explained) chosen.push_back({i, {}});
    const auto own = std::ranges::find_if(chosen, [](const Explained& one) { return !one.how.with_reference; });
    if (own != chosen.end()) own->how.backward = true;
    return chosen;
  }

  /// Adds the steps of `qkv explain`; returns the parameters that they read.
  ordered_json add_explanations(const std::vector<ReportSentence>& sentences, ordered_json& shown) const {
    ordered_json projections = ordered_json::object();
    const std::vector<Explained> chosen = to_explain(sentences, shown);
    Team team(options_.workers);
    for (std::size_t k = 0; k < chosen.size(); ++k) {
      stage(fmt::format("explaining sentence {} of {}", k + 1, chosen.size()));
      const auto& [i, how] = chosen[k];
      shown[i]["explained"] = explanations_of(trained_, sentences[i], how, team);
      projections.update(projections_of(trained_, shown[i]["explained"]));
    }
    return projections;
  }

  void stage(const std::string& text) const {
    if (options_.on_stage) options_.on_stage(text);
  }

  /// What is computed for the first of the sentences, as `qkv graph` draws it.
  ordered_json computation_graph(const std::vector<ReportSentence>& sentences) {
    if (sentences.empty()) {
      missing_["graph"] = missing("no-sentence", "There is no sentence to draw the graph of.");
      return nullptr;
    }
    SourceSentence sentence;
    sentence.words = sentences.front().source;
    const SentencePass pass(trained_, pair_with_own_translation(trained_, sentence));
    return graph_json(fold(graph_of(pass), most_boxes));
  }

  const ReportOptions& options_;
  const RunFolder folder_;
  const std::vector<std::string>& given_;
  TrainedModel trained_;
  ordered_json missing_ = ordered_json::object();
};

}  // namespace

ordered_json report_data(const ReportOptions& options) { return Report(options)(); }

ordered_json page_of_comparison(const ordered_json& comparison, const std::string& place) {
  const ordered_json list = ordered_json::array(), object = ordered_json::object();
  return {{"version", version},
          {"run", visible(place)},
          {"model", "comparison"},
          {"title", fmt::format("comparison in {}", visible(place))},
          {"settings", object},
          {"parameters", 0},
          {"vocabulary", {{"source", 0}, {"target", 0}}},
          {"missing", object},
          {"training",
           {{"steps", {{"step", list}, {"loss", list}, {"lr", list}, {"gradient_norm", list}}},
            {"validations", {{"step", list}, {"valid_loss", list}, {"valid_bleu", list}, {"valid_exact", list}}}}},
          {"tests", object},
          {"translations", to_json(std::vector<TranslatedSet>{})},
          {"sentences", list},
          {"projections", object},
          {"snapshots", nullptr},
          {"compare", comparison},
          {"graph", nullptr}};
}

}  // namespace qkv
