#include <fmt/format.h>

#include <memory>

#include "cli/commands.h"
#include "datasets/korean_english/korean_english.h"

namespace qkv::cli {

void add_data(CLI::App& app) {
  struct Options {
    int pairs = 30'000;
    std::uint64_t seed = 1;
    std::string out;
    bool overwrite = false;
  };
  const auto options = std::make_shared<Options>();
  CLI::App* data = app.add_subcommand("data", "Make a data set");
  data->require_subcommand(1);
  data->footer("Example:\n  qkv data korean-english --out data/korean-english");
  CLI::App* korean_english = data->add_subcommand("korean-english", "Korean-English sentence pairs from a grammar");
  korean_english->add_option("--pairs", options->pairs, "training pairs")->capture_default_str();
  korean_english->add_option("--seed", options->seed, "what every random choice follows from")
      ->check(not_negative)
      ->capture_default_str();
  korean_english->add_option("--out", options->out, "folder for the five CSV files")->required()->type_name("DIR");
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
    fmt::print("{}: train.csv {}, valid.csv {}, test.csv {}, long.csv {}, composition.csv {} pairs\n", options->out,
               made.train.size(), made.valid.size(), made.test.size(), made.long_sentences.size(),
               made.composition.size());
  });
}

}  // namespace qkv::cli
