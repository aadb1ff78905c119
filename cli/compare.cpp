#include <csignal>
#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/stop_signals.h"
#include "cli/terminal.h"
#include "cli/training_files.h"
#include "qkv/files/durable_file.h"
#include "qkv/study/compare/comparison_file.h"
#include "qkv/study/compare/comparison_table.h"
#include "qkv/study/report/report.h"
#include "qkv/study/report/report_page.h"
#include "qkv/translation/run_tokenisers.h"

namespace qkv::cli {
namespace {

struct CompareArguments {
  ComparisonOptions comparison;
  std::string out;
  bool json = false;
};

/// "8,16,32"
std::vector<int> read_widths(const std::string& text) {
  std::vector<int> widths;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    widths.push_back(read_number<int>(std::string_view(text).substr(begin, end - begin), size_range));
    begin = end + 1;
  }
  return widths;
}

/// The command line that goes on with this comparison.
std::string to_go_on(const CLI::App& command) {
  std::string line = "qkv compare";
  for (const CLI::Option* option : command.get_options()) {
    if (option->count() == 0) continue;
    line += " " + option->get_name();
    for (const std::string& value : option->results())
      if (option->get_items_expected_max() > 0) line += " " + as_typed(value);
  }
  return line;
}

/// Trains what is not trained yet, then measures.
Comparison compare(const CLI::App& command, const CompareArguments& options) {
  const ComparisonOptions& asked = options.comparison;
  TrainingConfig names_data;
  names_data.data = asked.data;
  names_data.tokenizer = asked.tokenizer;
  names_data.bpe_size = asked.bpe_size;
  const TrainingData data = read_training_files(names_data),
                     tokens = tokenised(data, tokenisers_for(names_data, data.train));
  const DataSize size = size_of(tokens);
  const std::vector<ComparedModel> models = plan_comparison(asked, size);
  std::vector<ComparedRun> runs = runs_of(models, seeds_of(asked), tokens, options.out);
  std::signal(SIGPIPE, SIG_IGN);  // a reader of the progress who goes away, as head does, ends nothing
  const StopFlag& stop = stop_on_signals();
  const auto stopped = [&](const std::string& where) {
    return std::runtime_error(fmt::format("stopped {}; nothing is lost. To go on: {}", where, to_go_on(command)));
  };
  {
    Progress progress(isatty(STDERR_FILENO) == 1);
    const ComparedRun* interrupted = train_runs(
        runs, data,
        [&](const ComparedRun& run, std::size_t number) {
          tell(fmt::format("training {} ({} of {})\n", run.folder.path.string(), number, runs.size()));
        },
        progress.observer(), stop);
    if (interrupted != nullptr) throw stopped("while it trained " + interrupted->folder.path.string());
  }
  try {
    return measure(
        asked, size, tokens, models, runs,
        [&](const ComparedRun& run, std::size_t number) {
          tell(fmt::format("measuring {} ({} of {})\n", run.folder.path.string(), number, runs.size()));
        },
        stop);
  } catch (const Stopped&) {
    throw stopped("while it measured");
  }
}

void run(const CLI::App& command, const CompareArguments& options) {
  const Comparison comparison = [&] {
    try {
      return compare(command, options);
    } catch (const std::invalid_argument& error) {
      throw WrongUsage(error.what());
    }
  }();
  const std::filesystem::path out = options.out;
  const nlohmann::ordered_json json = comparison_json(comparison);
  write_durably((out / "compare.csv").string(), comparison_csv(comparison));
  write_durably((out / "compare.json").string(), json.dump(1) + "\n");
  write_durably((out / "compare.html").string(), report_page(page_of_comparison(json, options.out)));
  if (options.json) return print_json(json, 2);
  print("{}", comparison_table(comparison));
  print(
      "\nEverything is in {0} and {1};\nto look at it, open {2} in a browser.\n"
      "Each training is a run of its own, such as {3}.\n",
      as_typed((out / "compare.json").string()), as_typed((out / "compare.csv").string()),
      as_typed((out / "compare.html").string()), as_typed((out / "runs" / comparison.of_runs.front().name).string()));
}

}  // namespace

void add_compare(CLI::App& app) {
  const auto options = std::make_shared<CompareArguments>();
  ComparisonOptions& asked = options->comparison;
  CLI::App* compare = app.add_subcommand(
      "compare", "Train fixed context, attention and Transformer with as many parameters, and compare them");
  add_path(*compare, "--data", asked.data, "folder with train.csv, valid.csv and test files", "DIR")->required();
  add_path(*compare, "--out", options->out,
           "folder for the trained runs, compare.json, compare.csv and a page, compare.html", "DIR")
      ->required();
  add_number(*compare, "--seeds", asked.seeds, "trainings of each model, with seeds that follow each other",
             Range{1, most_seeds});
  add_number(*compare, "--seed", asked.first_seed, "the first seed", seed_range);
  add_text(*compare, "--hidden", "train the RNN models with these widths of their state too, such as 8,16,32,64",
           [options](const std::string& text) { options->comparison.hidden = read_widths(text); })
      ->type_name("H,H,…");
  add_number(*compare, "--epochs", asked.epochs, "passes through the training data", Range{1, 1'000'000'000});
  add_number(*compare, "--batch-size", asked.batch_size, "sentences in a batch", size_range);
  add_number(*compare, "--d-model", asked.d_model, "features inside the Transformer, which the others are matched to",
             size_range);
  add_number(*compare, "--layers", asked.layers, "layers of the Transformer's encoder, and of its decoder",
             Range{1, 1000});
  add_choice(*compare, "--tokenizer", asked.tokenizer,
             "what the models read: words between spaces, characters, or pieces of words");
  add_number(*compare, "--bpe-size", asked.bpe_size, "pieces learnt for each language, with --tokenizer bpe",
             size_range);
  add_number(*compare, "--workers", asked.workers, "threads that share each batch", worker_range);
  compare->add_flag("--json", options->json, "print compare.json");
  compare->footer(
      "Example:\n"
      "  qkv compare --data data/korean-english --out comparison --hidden 8,16,32\n"
      "Runs that are finished are not trained again; interrupted, the same line goes on.");
  compare->callback([compare, options] { run(*compare, *options); });
}

}  // namespace qkv::cli
