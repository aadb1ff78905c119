#include "qkv/datasets/data_check.h"

#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/options.h"
#include "cli/terminal.h"
#include "qkv/datasets/visible_text.h"
#include "qkv/files/message.h"
#include "qkv/translation/run_tokenisers.h"
#include "qkv/translation/training_data.h"

namespace qkv::cli {
namespace {

constexpr std::size_t most_lines_named = 10;  // the JSON names all

struct DataCheckArguments {
  std::string data;
  TrainingConfig tokens;  // how a training would cut words into tokens
  bool json = false;
};

std::vector<DataFile> files_to_check(const std::string& data) {
  namespace fs = std::filesystem;
  if (!fs::is_directory(data)) return {{fs::path(data).stem().string(), data}};
  if (!fs::exists(fs::path(data) / "train.csv"))
    throw std::runtime_error(fmt::format(
        "{}: there is no train.csv in this folder, with which the other files are compared; a file by itself "
        "is given by its own name",
        data));
  std::vector<std::string> names{"train", "valid"};
  names.insert(names.end(), test_sets.begin(), test_sets.end());
  std::vector<DataFile> files;
  for (const std::string& name : names) {
    const fs::path file = fs::path(data) / (name + ".csv");
    if (fs::exists(file)) files.push_back({name, file.string()});
  }
  return files;
}

double percent(std::size_t part, std::size_t whole) {
  return whole == 0 ? 0 : 100 * static_cast<double>(part) / static_cast<double>(whole);
}

/// The length that half of the sentences do not exceed.
std::size_t median(const SideCheck& side, std::size_t sentences) {
  std::size_t length = 0, seen = 0;
  while (length < side.lengths.size() && 2 * (seen += side.lengths[length]) < sentences) ++length;
  return length;
}

void show_side(const char* name, const SideCheck& side, TokeniserKind tokens, std::size_t sentences, bool is_training) {
  print("  {}  {}, {} to {} a sentence (half up to {}), {} different, {} once\n", name,
        counted(side.words, name_of_token(tokens)), side.shortest, side.longest, median(side, sentences),
        side.vocabulary, side.once);
  if (is_training) return;
  print("          {} ({:.2f} %) do not occur in training{}\n", side.unknown, percent(side.unknown, side.words),
        side.most_often_unknown.empty()
            ? ""
            : fmt::format(": {}{}", visible(fmt::format("{}", fmt::join(side.most_often_unknown, " "))),
                          side.most_often_unknown.size() == SideCheck::most_named ? " …" : ""));
}

void show_repetitions(const char* what, const std::vector<Repetition>& repetitions) {
  if (repetitions.empty()) return;
  print("  {}: {}, on the lines", what, repetitions.size());
  for (std::size_t i = 0; i < std::min(repetitions.size(), most_lines_named); ++i)
    print("{} {} (as {})", i == 0 ? "" : ",", repetitions[i].line, repetitions[i].first);
  print("{}\n", repetitions.size() > most_lines_named ? " …" : "");
}

/// Where a model of words could write next to nothing, what would do.
void show_way_out(const SideCheck& target, TokeniserKind tokens) {
  if (tokens == TokeniserKind::word && 10 * target.unknown >= 9 * target.words)
    print("          no model can write these words; --tokenizer char or bpe cuts them into what it can\n");
}

void show(const DataCheck& check, TokeniserKind tokens, bool is_training, bool is_alone) {
  print("{}: {}{} in {}\n", visible(check.name), counted(check.pairs, "pair"),
        check.linked == 0 ? "" : fmt::format(", {} with gold links,", check.linked), visible(check.path));
  for (const std::string& error : check.errors) print("  left out: {}\n", visible(error));
  if (check.pairs == 0) return print("\n");
  show_side("source", check.source, tokens, check.pairs, is_training);
  show_side("target", check.target, tokens, check.pairs, is_training);
  if (!is_training) show_way_out(check.target, tokens);
  show_repetitions("pairs that are there twice", check.duplicates);
  show_repetitions("sources with another target too", check.contradictions);
  if (!is_training)
    print("  in training too: {} ({:.2f} %), and {} more of which only the source is\n",
          counted(check.pairs_of_training, "pair"), percent(check.pairs_of_training, check.pairs),
          check.sources_of_training - check.pairs_of_training);
  if (!is_alone) print("\n");
}

nlohmann::ordered_json to_json(const SideCheck& side, bool is_training) {
  nlohmann::ordered_json json{{"words", side.words},     {"shortest", side.shortest},     {"longest", side.longest},
                              {"lengths", side.lengths}, {"vocabulary", side.vocabulary}, {"once", side.once}};
  if (is_training) return json;
  json["unknown"] = side.unknown;
  json["most_often_unknown"] = side.most_often_unknown;
  return json;
}

nlohmann::ordered_json to_json(const std::vector<Repetition>& repetitions) {
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  for (const Repetition& one : repetitions) json.push_back({{"line", one.line}, {"first", one.first}});
  return json;
}

nlohmann::ordered_json to_json(const DataCheck& check, TokeniserKind tokens, bool is_training) {
  std::vector<std::string> errors;
  for (const std::string& error : check.errors) errors.push_back(visible(error));  // they may quote what is not UTF-8
  nlohmann::ordered_json json{{"file", visible(check.path)},
                              {"pairs", check.pairs},
                              {"linked", check.linked},
                              {"tokenizer", name_of(tokens)},
                              {"errors", errors},
                              {"source", to_json(check.source, is_training)},
                              {"target", to_json(check.target, is_training)},
                              {"duplicates", to_json(check.duplicates)},
                              {"contradictions", to_json(check.contradictions)}};
  if (is_training) return json;
  json["pairs_of_training"] = check.pairs_of_training;
  json["sources_of_training"] = check.sources_of_training;
  return json;
}

std::vector<DataCheck> checked(const DataCheckArguments& options) {
  try {
    return check_data(files_to_check(options.data),
                      [&](const std::vector<Pair>& training) { return tokenisers_for(options.tokens, training); });
  } catch (const std::invalid_argument& error) {  // `bpe_size` is too small
    throw WrongUsage(error.what());
  }
}

void run(const DataCheckArguments& options) {
  const auto& [data, settings, json] = options;
  const std::vector<DataCheck> checks = checked(options);
  nlohmann::ordered_json all = nlohmann::ordered_json::object();
  std::size_t errors = 0;
  for (const DataCheck& check : checks) {
    const bool is_training = &check == &checks.front();
    errors += check.errors.size();
    if (json)
      all[check.name] = to_json(check, settings.tokenizer, is_training);
    else
      show(check, settings.tokenizer, is_training, checks.size() == 1);
  }
  if (json) print_json(all, 2);
  if (errors > 0)
    throw std::runtime_error(
        fmt::format("{}: {} cannot be read; training would stop at the first", visible(data), counted(errors, "line")));
  for (const DataCheck& check : checks)
    if (check.pairs == 0)
      throw std::runtime_error(fmt::format("{}: nothing follows the header; there are no pairs", visible(check.path)));
}

}  // namespace

void add_data_check(CLI::App& data) {
  const auto options = std::make_shared<DataCheckArguments>();
  CLI::App* check = data.add_subcommand("check", "Look through CSV files before training on them");
  add_path(*check, "DATA", options->data, "a CSV file, or a folder with train.csv and what is tested on", "FILE|DIR")
      ->required();
  add_choice(*check, "--tokenizer", options->tokens.tokenizer,
             "what is counted: what qkv train with this option would read");
  add_number(*check, "--bpe-size", options->tokens.bpe_size, "pieces learnt for each language, with --tokenizer bpe",
             size_range);
  check->add_flag("--json", options->json, "print it as JSON, with every line that repeats another");
  check->footer(
      "A file has a header and a sentence pair a line, words between spaces; for letters as words:\n"
      "  source,target\n"
      "  a b c,c b a\n"
      "Exit code 1 where a line cannot be read.\n"
      "Examples:\n  qkv data check data/korean-english\n"
      "  qkv data check data/dates --tokenizer char");
  check->callback([options] { run(*options); });
}

}  // namespace qkv::cli
