#include <fmt/format.h>
#include <functional>
#include <memory>

#include "cli/commands.h"
#include "cli/options.h"
#include "cli/terminal.h"
#include "qkv/datasets/dates/dates.h"
#include "qkv/datasets/korean_english/korean_english.h"
#include "qkv/datasets/visible_text.h"

namespace qkv::cli {
namespace {

struct DataArguments {
  int pairs;
  std::uint64_t seed = 1;
  std::string out;
  bool overwrite = false;
};

/// Adds a data set that can be made. `make` makes it, writes it and returns what was written, for people.
void add_data_set(CLI::App& data, const std::string& name, const std::string& help, int pairs, const char* files,
                  const std::function<std::string(const DataArguments&)>& make) {
  const auto options = std::make_shared<DataArguments>(DataArguments{pairs, 1, "", false});
  CLI::App* made = data.add_subcommand(name, help);
  add_number(*made, "--pairs", options->pairs, "training pairs; a number that cannot be is refused with what can",
             Range{1, 1'000'000});
  add_number(*made, "--seed", options->seed, "what every random choice follows from", seed_range);
  add_path(*made, "--out", options->out, fmt::format("folder for the {} CSV files", files), "DIR")->required();
  made->add_flag("--overwrite", options->overwrite, "replace files of these names that hold something else");
  made->footer(fmt::format("Example:\n  qkv data {0} --pairs {1} --seed 1 --out data/{0}", name, pairs));
  made->callback([options, make] {
    std::string written;
    try {
      written = make(*options);
    } catch (const std::invalid_argument& error) {
      throw WrongUsage(fmt::format("--pairs {}: {}", options->pairs, error.what()));
    }
    print("{}: {} pairs\n", visible(options->out), written);
  });
}

}  // namespace

void add_data(CLI::App& app) {
  CLI::App* data = app.add_subcommand("data", "Make a data set, or look through one");
  data->require_subcommand(1);
  data->footer(
      "Examples:\n  qkv data korean-english --out data/korean-english\n"
      "  qkv data dates --out data/dates");
  add_data_check(*data);
  add_data_set(*data, "korean-english", "Korean-English sentence pairs from a grammar", 30'000, "five",
               [](const DataArguments& options) {
                 const KoreanEnglish made = korean_english(options.pairs, options.seed);
                 write_korean_english(options.out, made, options.overwrite);
                 return fmt::format("train.csv {}, valid.csv {}, test.csv {}, long.csv {}, composition.csv {}",
                                    made.train.size(), made.valid.size(), made.test.size(), made.long_sentences.size(),
                                    made.composition.size());
               });
  add_data_set(*data, "dates", "Dates as people write them, to 2026-11-23", 10'000, "three",
               [](const DataArguments& options) {
                 const Dates made = dates(options.pairs, options.seed);
                 write_dates(options.out, made, options.overwrite);
                 return fmt::format("train.csv {}, valid.csv {}, test.csv {}", made.train.size(), made.valid.size(),
                                    made.test.size());
               });
}

}  // namespace qkv::cli
