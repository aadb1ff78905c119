#include <fmt/format.h>
#include <memory>

#include "cli/commands.h"
#include "cli/options.h"
#include "cli/terminal.h"
#include "qkv/datasets/korean_english/korean_english.h"
#include "qkv/datasets/visible_text.h"

namespace qkv::cli {

void add_data(CLI::App& app) {
  struct Options {
    int pairs = 30'000;
    std::uint64_t seed = 1;
    std::string out;
    bool overwrite = false;
  };
  const auto options = std::make_shared<Options>();
  CLI::App* data = app.add_subcommand("data", "Make a data set, or look through one");
  data->require_subcommand(1);
  data->footer("Example:\n  qkv data korean-english --out data/korean-english");
  add_data_check(*data);
  CLI::App* korean_english = data->add_subcommand("korean-english", "Korean-English sentence pairs from a grammar");
  add_number(*korean_english, "--pairs", options->pairs, "training pairs; too few are refused with how many are enough",
             Range{1, 1'000'000});
  add_number(*korean_english, "--seed", options->seed, "what every random choice follows from", seed_range);
  add_path(*korean_english, "--out", options->out, "folder for the five CSV files", "DIR")->required();
  korean_english->add_flag("--overwrite", options->overwrite, "replace files of these names that hold something else");
  korean_english->footer("Example:\n  qkv data korean-english --pairs 30000 --seed 1 --out data/korean-english");
  korean_english->callback([options] {
    KoreanEnglish made;
    try {
      made = qkv::korean_english(options->pairs, options->seed);
    } catch (const std::invalid_argument& error) {
      throw WrongUsage(fmt::format("--pairs {}: {}", options->pairs, error.what()));
    }
    write_korean_english(options->out, made, options->overwrite);
    print("{}: train.csv {}, valid.csv {}, test.csv {}, long.csv {}, composition.csv {} pairs\n", visible(options->out),
          made.train.size(), made.valid.size(), made.test.size(), made.long_sentences.size(), made.composition.size());
  });
}

}  // namespace qkv::cli
