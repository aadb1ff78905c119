#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace qkv {

/// What a report is made of.
struct ReportOptions {
  std::string run;                     ///< the run folder
  std::vector<std::string> sentences;  ///< to show besides those of the test set
  std::string data;     ///< where the test sets are, a folder or a file; empty: where they were when it was trained
  std::string compare;  ///< a folder with compare.json; empty: none
  int workers = 2;      ///< threads that translate the test sets and explain
  std::function<void(const std::string&)> on_stage{};  ///< is told what begins, such as "translating test"
};

/// The data of the page that shows a run: settings and vocabularies, the training's losses and validations, the scores
/// and translations of the test sets, some twenty sentences with all their attention and each head switched off, and
/// how attention changed during training. What a run does not have is empty, and `missing` has a reason and a sentence
/// that says it (docs/report.md). The same run and options give the same data.
///
/// Throws std::runtime_error that names the file and line of what cannot be read, or is damaged, and which of the
/// sentences is not UTF-8 or has more words than the model has positions; std::invalid_argument for an empty sentence.
nlohmann::ordered_json report_data(const ReportOptions& options);

/// The data of a page that shows no run, but a comparison alone: compare.json, as comparison_json makes it, of the
/// folder `place`.
nlohmann::ordered_json page_of_comparison(const nlohmann::ordered_json& comparison, const std::string& place);

}  // namespace qkv
