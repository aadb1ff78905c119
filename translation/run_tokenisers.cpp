#include "qkv/translation/run_tokenisers.h"

#include "qkv/datasets/bpe_tokeniser.h"
#include "qkv/datasets/character_tokeniser.h"
#include "qkv/datasets/vocabulary.h"

namespace qkv {
namespace {

/// Those that have nothing to learn.
Tokenisers words_or_characters(TokeniserKind kind) {
  if (kind == TokeniserKind::word) return word_tokenisers();
  const auto characters = std::make_shared<const CharacterTokeniser>();
  return {characters, characters};
}

}  // namespace

Tokenisers tokenisers_for(const TrainingConfig& config, const std::vector<Pair>& training) {
  if (config.tokenizer != TokeniserKind::bpe) return words_or_characters(config.tokenizer);
  return {std::make_shared<BpeTokeniser>(training, &Pair::source, config.bpe_size, config.min_frequency),
          std::make_shared<BpeTokeniser>(training, &Pair::target, config.bpe_size, config.min_frequency)};
}

Tokenisers load_tokenisers(const RunFolder& folder, const TrainingConfig& config) {
  if (config.tokenizer != TokeniserKind::bpe) return words_or_characters(config.tokenizer);
  return {std::make_shared<BpeTokeniser>(folder.source_bpe(), Vocabulary::load(folder.source_vocabulary())),
          std::make_shared<BpeTokeniser>(folder.target_bpe(), Vocabulary::load(folder.target_vocabulary()))};
}

void save_tokenisers(const RunFolder& folder, const Tokenisers& tokenisers) {
  if (const auto* source = dynamic_cast<const BpeTokeniser*>(tokenisers.source.get()))
    source->save(folder.source_bpe());
  if (const auto* target = dynamic_cast<const BpeTokeniser*>(tokenisers.target.get()))
    target->save(folder.target_bpe());
}

}  // namespace qkv
