#include "cli/sentences.h"

#include <fmt/format.h>
#include <utility>

#include "cli/commands.h"
#include "cli/options.h"
#include "cli/terminal.h"
#include "qkv/datasets/visible_text.h"

namespace qkv::cli {

void warn_of_unknown(const std::string& token, const Vocabulary& vocabulary, const Tokeniser& tokeniser) {
  const auto nearest = tokeniser.kind() == TokeniserKind::word ? vocabulary.nearest(token) : std::nullopt;
  tell(fmt::format("qkv: warning: {} is not a {} that this model knows{}\n", in_quotes(token), name_of_token(tokeniser),
                   nearest ? fmt::format("; the nearest that it knows is {}", in_quotes(*nearest)) : ""));
}

SentencePair read_pair(const TrainedModel& trained, const std::string& sentence,
                       const std::optional<std::string>& target) {
  const SourceSentence source = read_source(sentence, trained.source, *trained.tokenisers.source);
  if (source.words.empty()) throw WrongUsage("the sentence is empty: there is nothing to attend to");
  for (const std::string& word : source.unknown) warn_of_unknown(word, trained.source, *trained.tokenisers.source);
  if (!target) {
    SentencePair pair = pair_with_own_translation(trained, source);
    if (pair.cut) tell("qkv: warning: the translation was cut off, so nothing is predicted behind its last word\n");
    return pair;
  }
  const SourceSentence translation = read_source(*target, trained.target, *trained.tokenisers.target);
  if (translation.words.empty())
    throw WrongUsage("--target is empty; without it, the model's own translation is looked at");
  for (const std::string& word : translation.unknown) warn_of_unknown(word, trained.target, *trained.tokenisers.target);
  return pair_with_translation(trained, source, translation);
}

CLI::Option* add_attention(CLI::App& command, const std::string& help, std::function<void(AttentionKind)> choose) {
  constexpr std::array<Named<AttentionKind>, 3> by_whose_words{
      {{AttentionKind::cross, "cross"}, {AttentionKind::self, "encoder"}, {AttentionKind::causal, "decoder"}}};
  return add_choice(command, "--attention", by_whose_words, help, std::move(choose));
}

}  // namespace qkv::cli
