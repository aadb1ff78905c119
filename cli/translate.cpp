#include <fmt/format.h>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <system_error>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/options.h"
#include "cli/sentences.h"
#include "cli/terminal.h"
#include "qkv/datasets/text.h"
#include "qkv/datasets/visible_text.h"
#include "qkv/files/message.h"
#include "qkv/study/attention_view.h"
#include "qkv/translation/decoding.h"
#include "qkv/translation/source_sentence.h"

namespace qkv::cli {
namespace {

struct TranslateArguments {
  std::string run;
  std::vector<std::string> sentences;
  std::optional<int> max_words;
  DecodingOptions decoding;
  std::optional<AttentionKind> attention;
  std::optional<int> layer, head;
  bool sharpest = false;  // instead of a head's number
  bool json = false;
};

nlohmann::ordered_json to_json(const AttentionView& view) {
  nlohmann::ordered_json json{{"layer", view.layer}, {"head", nullptr}, {"rows", view.rows}, {"columns", view.columns}};
  if (view.head) json["head"] = *view.head;
  json["weights"] = nlohmann::ordered_json::array();
  for (std::size_t i = 0; i < view.rows.size(); ++i) {
    const auto row = view.weights.begin() + static_cast<std::ptrdiff_t>(i * view.columns.size());
    json["weights"].push_back(std::vector<float>(row, row + static_cast<std::ptrdiff_t>(view.columns.size())));
  }
  return json;
}

/// The tokens of a translation.
struct Target {
  Sentence words;
  bool cut = false;
};

/// Translates line by line with one model.
class Translator {
 public:
  explicit Translator(const TranslateArguments& options) : options_(options), trained_(load_run(options.run)) {
    if (!options.attention) return;
    try {  // whether there is such an attention is known before anything is translated
      view_of({}, {}, false);
    } catch (const std::invalid_argument& error) {
      throw WrongUsage(fmt::format("{}: {}", options.run, error.what()));
    }
  }

  /// `place` is what errors call the text.
  void operator()(const std::string& text, const std::string& place) {
    try {
      const SourceSentence source = read_source(text, trained_.source, *trained_.tokenisers.source);
      warn_of_unknown(source);
      const Target target = source.words.empty() ? Target{} : translate(source.words);
      if (options_.json)
        show_as_json(source, target);
      else
        show(source, target);
    } catch (const std::invalid_argument& error) {  // invalid UTF-8, or more words than there are positions
      throw std::runtime_error(fmt::format("{}: {}", place, error.what()));
    }
    if (std::fflush(stdout) != 0) throw std::system_error(errno, std::generic_category(), "standard output");
  }

 private:
  Target translate(const Sentence& words) const {
    const std::vector<int> ids = trained_.source.encode_with_eos(words);
    const int limit = options_.max_words.value_or(most_words(static_cast<int>(words.size())));
    const Translation translation = qkv::translate(*trained_.model, OneSequence(ids), limit, options_.decoding);
    if (translation.cut)
      tell(fmt::format("qkv: warning: {}: the translation was cut off after {}\n",
                       in_quotes(text_of(*trained_.tokenisers.source, words)),
                       counted(translation.words.size(), name_of_token(*trained_.tokenisers.target))));
    return {trained_.target.decode(translation.words), translation.cut};
  }

  void warn_of_unknown(const SourceSentence& source) {
    for (const std::string& word : source.unknown) {
      if (warned_.insert(word).second) qkv::cli::warn_of_unknown(word, trained_.source, *trained_.tokenisers.source);
    }
  }

  AttentionView view_of(const Sentence& source, const Sentence& target, bool cut) const {
    if (options_.sharpest) return sharpest_view(trained_, source, target, *options_.attention, options_.layer, cut);
    return attention_view(trained_, source, target, *options_.attention, options_.layer, options_.head, cut);
  }

  void show(const SourceSentence& source, const Target& target) const {
    print_lines(text_of(*trained_.tokenisers.target, target.words) + "\n");
    if (!options_.attention || source.words.empty()) return;
    const AttentionView view = view_of(source.words, target.words, target.cut);
    print("\n{}\n", view.title);
    print_drawn(drawn(view) + "\n");
  }

  void show_as_json(const SourceSentence& source, const Target& target) const {
    nlohmann::ordered_json json{{"source", source.words},
                                {"unknown", source.unknown},
                                {"translation", text_of(*trained_.tokenisers.target, target.words)},
                                {"words", trained_.tokenisers.target->words(target.words)}};
    if (trained_.tokenisers.target->kind() != TokeniserKind::word) json["tokens"] = target.words;
    if (options_.attention && !source.words.empty()) {
      const AttentionKind kind = *options_.attention;
      json["attention"] = nlohmann::ordered_json::array();
      if (options_.layer || options_.head || options_.sharpest)
        json["attention"].push_back(to_json(view_of(source.words, target.words, target.cut)));
      else
        for (const AttentionView& view : attention_views(trained_, source.words, target.words, kind, target.cut))
          json["attention"].push_back(to_json(view));
    }
    print_json(json);
  }

  const TranslateArguments& options_;
  TrainedModel trained_;
  std::set<std::string> warned_;
};

void run(const TranslateArguments& options) {
  Translator translate(options);
  for (std::size_t i = 0; i < options.sentences.size(); ++i)
    translate(options.sentences[i], fmt::format("sentence {} of the arguments", i + 1));
  if (!options.sentences.empty()) return;
  if (::isatty(STDIN_FILENO) != 0) tell("Type a sentence; Ctrl-D ends\n");
  int number = 1;
  for (std::string line; std::getline(std::cin, line); ++number) {
    if (number == 1 && line.starts_with("\xEF\xBB\xBF")) line.erase(0, 3);  // a byte-order mark
    translate(line, fmt::format("standard input:{}", number));
  }
}

}  // namespace

void add_translate(CLI::App& app) {
  const auto options = std::make_shared<TranslateArguments>();
  CLI::App* translate = app.add_subcommand("translate", "Translate sentences, and show what the attention looks at");
  add_path(*translate, "RUN", options->run, "the run folder of a trained model", "RUN")->required();
  translate->add_option("SENTENCE", options->sentences, "sentences; without any, lines of standard input");
  add_decoding(*translate, options->decoding);
  add_number(*translate, "--max-words", options->max_words, "most words of a translation", Range{1, 1000})
      ->default_str("2 x source words + 10");
  add_attention(*translate,
                "show the weights of this attention: in its last layer and as the mean of its heads, unless --layer "
                "and --head name others",
                [options](AttentionKind kind) { options->attention = kind; });
  add_number(*translate, "--layer", options->layer, "of this layer", Range{0, 999})->default_str("the last");
  constexpr Range heads{0, 999'999};
  add_text(*translate, "--head",
           fmt::format("of this head, or the `sharpest`, of the lowest mean entropy ({})", heads.text()),
           [options, heads](const std::string& text) {
             options->sharpest = text == "sharpest";
             if (!options->sharpest) options->head = read_number(text, heads);
           })
      ->type_name("N|sharpest")
      ->default_str("the mean of all");
  translate->add_flag("--json", options->json, "one JSON object a line; with --attention all layers and heads");
  translate->footer("Example:\n  qkv translate runs/transformer \"저는 학교에 갑니다.\" --attention cross");
  translate->callback([options] {
    if (!options->attention && (options->layer || options->head || options->sharpest))
      throw WrongUsage("--layer and --head choose what --attention shows; give --attention cross, encoder or decoder");
    run(*options);
  });
}

}  // namespace qkv::cli
