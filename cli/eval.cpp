#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/options.h"
#include "cli/terminal.h"
#include "qkv/datasets/csv.h"
#include "qkv/datasets/text.h"
#include "qkv/datasets/tokenised_pairs.h"
#include "qkv/datasets/visible_text.h"
#include "qkv/study/attention_view.h"
#include "qkv/study/link_table.h"
#include "qkv/study/score_table.h"
#include "qkv/translation/evaluation.h"
#include "qkv/translation/judged_links.h"
#include "qkv/translation/training_data.h"

namespace qkv::cli {
namespace {

struct EvalArguments {
  std::string run;
  std::string data;
  int workers = 2;
  DecodingOptions decoding;
  BleuWords bleu_words = BleuWords::as_given;
  int examples = 0;
  bool json = false;
};

/// The test files that --data names: one, or those of a folder.
std::vector<std::pair<std::string, std::string>> files_to_test(const std::string& data) {
  namespace fs = std::filesystem;
  if (!fs::is_directory(data)) return {{fs::path(data).stem().string(), data}};
  std::vector<std::pair<std::string, std::string>> files;
  for (const std::string name : test_sets) {
    const fs::path file = fs::path(data) / (name + ".csv");
    if (fs::exists(file)) files.emplace_back(name, file.string());
  }
  if (files.empty())
    throw std::runtime_error(fmt::format("{} holds none of test.csv, long.csv and composition.csv", data));
  return files;
}

/// The first pairs of different lengths, spread over the lengths that there are.
std::vector<std::size_t> examples_of(const std::vector<Pair>& pairs, int count) {
  std::map<std::size_t, std::size_t> first_of_length;
  for (std::size_t i = 0; i < pairs.size(); ++i) first_of_length.try_emplace(pairs[i].source.size(), i);
  std::vector<std::size_t> all, chosen;
  for (const auto& [length, index] : first_of_length) all.push_back(index);
  const std::size_t wanted = std::min(static_cast<std::size_t>(count), all.size());
  for (std::size_t i = 0; i < wanted; ++i) chosen.push_back(all[(2 * i + 1) * all.size() / (2 * wanted)]);
  return chosen;
}

void show_example(const TrainedModel& trained, const Pair& pair, const Sentence& translation, bool cut) {
  const ShadedMatrixStyle style = matrix_style();
  const auto& [of_source, of_target] = trained.tokenisers;
  print("source       {}\nreference    {}\ntranslation  {}{}\n", text_of(*of_source, pair.source),
        text_of(*of_target, pair.target), text_of(*of_target, translation),
        of_target->words(translation) == of_target->words(pair.target) ? "  (the same)" : "");
  if (translation.empty() || cross_attention(trained.config.model).layers == 0) return;
  const AttentionView view = attention_view(trained, pair.source, translation, AttentionKind::cross, {}, {}, cut);
  print("\n{}\n", view.title);
  print_drawn(drawn(view) + "\n");
  if (trained.alignment && !pair.links.empty())
    print_drawn(fmt::format("Links found, with the reference fed in, against the gold links:\n{}\n",
                            link_table(JudgedLinks(pair, trained.tokenisers).pair(), found_links(trained, pair),
                                       {.colour = style.colour, .width = style.width})));
}

/// What `work` returns; what it says is wrong is said of this file.
template <class Work>
auto in_file(const std::string& file, const Work& work) {
  try {
    return work();
  } catch (const std::runtime_error& error) {
    throw std::runtime_error(fmt::format("{}: {}", file, error.what()));
  }
}

void run(const EvalArguments& options) {
  const TrainedModel trained = load_run(options.run);
  Team team(options.workers);
  nlohmann::ordered_json json;
  const auto files = files_to_test(options.data);
  std::vector<std::vector<Pair>> data;  // all of it is read and checked before anything is evaluated
  for (const auto& [name, file] : files) {
    data.push_back(tokenised(read_pairs(file), trained.tokenisers));
    check_lengths(*trained.model, data.back(), file, trained.tokenisers);
  }
  for (std::size_t i = 0; i < files.size(); ++i) {
    const auto& [name, file] = files[i];
    const std::vector<Pair>& pairs = data[i];
    const Evaluation evaluation = in_file(file, [&] {
      return evaluate(*trained.model, trained.source, trained.target, pairs, team, options.decoding, never_stopped,
                      trained.tokenisers, options.bleu_words);
    });
    if (options.json) {
      json[name] = in_file(file, [&] { return to_json(evaluation); });
      continue;
    }
    print("{}\n", score_table(visible(name), evaluation, trained.alignment, has_plain_text()));
    for (std::size_t example : examples_of(pairs, options.examples))
      show_example(trained, pairs[example], evaluation.translations[example], evaluation.is_cut[example]);
  }
  if (options.json) print_json(std::filesystem::is_directory(options.data) ? json : json.front(), 2);
}

}  // namespace

void add_eval(CLI::App& app) {
  const auto options = std::make_shared<EvalArguments>();
  CLI::App* eval = app.add_subcommand("eval", "Score a trained model on sentence pairs");
  add_path(*eval, "RUN", options->run, "the run folder of a trained model", "RUN")->required();
  add_path(*eval, "--data", options->data, "a CSV file, or a folder with test.csv, long.csv and composition.csv",
           "FILE|DIR")
      ->required();
  add_decoding(*eval, options->decoding);
  add_choice(*eval, "--bleu-tokenize", names_of(BleuWords{}),
             "what BLEU counts as words: those of the data, or punctuation by itself too, as sacreBLEU's 13a",
             [options](BleuWords words) { options->bleu_words = words; });
  add_number(*eval, "--workers", options->workers, "threads that share the sentences", worker_range);
  add_number(*eval, "--examples", options->examples,
             "show so many sentences of different lengths, with attention and links", Range{0, 100});
  eval->add_flag("--json", options->json, "print the scores as JSON")->excludes("--examples");
  eval->footer("Example:\n  qkv eval runs/transformer --data data/korean-english/test.csv --examples 3");
  eval->callback([options] { run(*options); });
}

}  // namespace qkv::cli
