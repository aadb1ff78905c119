#include "qkv/study/report/report.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/options.h"
#include "cli/sentences.h"
#include "cli/terminal.h"
#include "qkv/datasets/visible_text.h"
#include "qkv/files/durable_file.h"
#include "qkv/files/message.h"
#include "qkv/study/report/report_page.h"
#include "qkv/translation/saved_model.h"

namespace qkv::cli {
namespace {

namespace fs = std::filesystem;

struct ReportArguments {
  ReportOptions report;
  std::string out;
  bool overwrite = false;
};

/// What is being done, on a line of the terminal that is written over and goes away; nothing elsewhere.
class StageLine {
 public:
  StageLine() = default;
  ~StageLine() { show(""); }
  StageLine(const StageLine&) = delete;
  StageLine& operator=(const StageLine&) = delete;

  void show(const std::string& text) const {
    if (draws_) tell_drawn(fmt::format("\r{}\033[K", visible(text)));
  }

 private:
  const bool draws_ = draws_on(STDERR_FILENO);
};

/// Throws if the file cannot be written, as far as that is known before the work, or holds something that this command
/// did not write.
void check_writable(const ReportArguments& options) {
  const fs::path parent = fs::absolute(options.out).parent_path();
  if (!fs::is_directory(parent))
    throw std::runtime_error(fmt::format("{}: there is no folder {} to write it to", options.out, parent.string()));
  if (fs::is_directory(options.out))
    throw std::runtime_error(fmt::format("{}: this is a folder; `out` names the file to write", options.out));
  if (::access(parent.c_str(), W_OK | X_OK) != 0)
    throw std::runtime_error(
        fmt::format("{}: cannot write into {}: {}", options.out, parent.string(), std::strerror(errno)));
  if (options.overwrite || !fs::is_regular_file(options.out) || is_report_page(read_file(options.out))) return;
  throw std::runtime_error(fmt::format(
      "{} exists already and is no report that qkv wrote; choose another `out`, or give `overwrite`", options.out));
}

void warn(const nlohmann::ordered_json& data, const ReportOptions& options) {
  if (!options.sentences.empty()) {
    const TrainedModel trained = load_run(options.run);
    for (const auto& sentence : data["sentences"]) {
      if (!sentence["given"].get<bool>()) continue;
      for (const auto& token : sentence["unknown"])
        warn_of_unknown(token.get<std::string>(), trained.source, *trained.tokenisers.source);
    }
  }
  if (const auto& missing = data["missing"]; missing.contains("translations"))
    tell(fmt::format("qkv: warning: {} --data DIR says where it is.\n",
                     missing["translations"]["text"].get<std::string>()));
}

void run(const ReportArguments& options) {
  check_writable(options);
  nlohmann::ordered_json data;
  try {
    const StageLine line;
    ReportOptions report = options.report;
    report.on_stage = [&](const std::string& text) { line.show(text); };
    data = report_data(report);
  } catch (const std::invalid_argument& error) {
    throw WrongUsage(error.what());
  }
  warn(data, options.report);
  const std::string page = report_page(data);
  write_durably(options.out, page);
  print("{}: {:.2f} MB, {} and {} translations; open it in a browser\n", visible(options.out),
        static_cast<double>(page.size()) / 1e6, counted(data["sentences"].size(), "sentence"),
        data["translations"]["source"].size());
}

}  // namespace

void add_report(CLI::App& app) {
  const auto options = std::make_shared<ReportArguments>();
  CLI::App* report = app.add_subcommand("report", "Write a page that shows a run in a browser");
  add_path(*report, "RUN", options->report.run, "the run folder of a trained model", "RUN")->required();
  add_path(*report, "--out", options->out, "the HTML file to write", "FILE")->required();
  report->add_option("--sentence", options->report.sentences, "show this sentence too; may be given several times")
      ->type_name("TEXT")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  add_path(*report, "--data", options->report.data, "where the test set is, if not where it was when RUN was trained",
           "FILE|DIR");
  add_path(*report, "--compare", options->report.compare, "show the comparison that qkv compare wrote to this folder",
           "DIR");
  add_number(*report, "--workers", options->report.workers, "threads that translate the test set and explain",
             worker_range);
  report->add_flag("--overwrite", options->overwrite, "replace --out even if it is no report");
  report->footer("Example:\n  qkv report runs/transformer --out report.html --sentence \"저는 갑니다.\"");
  report->callback([options] { run(*options); });
}

}  // namespace qkv::cli
