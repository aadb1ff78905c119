#include <cmath>
#include <gtest/gtest.h>

#include "qkv/translation/models.h"
#include "tests/translation/greedy_by_full_passes.h"

namespace qkv {
namespace {

constexpr int words = 7;  // three real ones

std::unique_ptr<Seq2Seq<double>> random_model(const ModelConfig& config, std::uint64_t seed) {
  auto model = make_model<double>(config);
  model->parameters().initialise(seed);
  for (double& value : model->parameters().values()) value *= 2;  // so that some words are much likelier than others
  return model;
}

ModelConfig rnn(std::optional<Score> attention, CellKind cell = CellKind::gru) {
  return RnnConfig{.source_vocabulary = words,
                   .target_vocabulary = words,
                   .embedding = 6,
                   .hidden = 8,
                   .cell = cell,
                   .attention = attention};
}

const ModelConfig transformer =
    TransformerConfig{.source_vocabulary = words, .target_vocabulary = words, .d_model = 8, .heads = 2, .ff = 12};
const ModelConfig kinds[] = {transformer, rnn({}), rnn(Score::dot)};

const std::vector<int> source_ids{4, 6, 5, eos_id};

Translation translate_one(const Seq2Seq<double>& model, int most, const DecodingOptions& options) {
  return translate(model, OneSequence(source_ids), most, options);
}

/// log P of these words and `<eos>`, by one full forward pass.
double log_probability(const Seq2Seq<double>& model, const std::vector<int>& translation) {
  std::vector<int> target{bos_id};
  target.insert(target.end(), translation.begin(), translation.end());
  Tape<double> tape;
  const Recording recording(tape);
  const OneSequence read(target);
  const Var<double> logits = model.logits(OneSequence(source_ids), read);
  double total = 0;
  for (int i = 0; i < read.length(); ++i) {
    const double* row = logits.rows().row_block(i, 1).data;
    double sum = 0;
    for (int word = 0; word < words; ++word) sum += std::exp(row[word]);
    const int next = i + 1 < read.length() ? target[static_cast<std::size_t>(i) + 1] : eos_id;
    total += row[next] - std::log(sum);
  }
  return total;
}

/// Every translation of up to `most` words.
std::vector<std::vector<int>> all_translations(int most) {
  std::vector<std::vector<int>> all{{}};
  for (std::size_t i = 0; i < all.size(); ++i)
    for (int word = special_tokens; word < words; ++word)
      if (static_cast<int>(all[i].size()) < most) {
        all.push_back(all[i]);
        all.back().push_back(word);
      }
  return all;
}

TEST(BeamSearch, WideEnoughFindsTheBestOfAllTranslations) {
  constexpr int most = 4;
  const auto all = all_translations(most);
  ASSERT_EQ(all.size(), 1U + 3 + 9 + 27 + 81);
  for (const ModelConfig& kind : kinds)
    for (std::uint64_t seed = 1; seed <= 5; ++seed)
      for (const double penalty : {0.0, 0.6, 1.5}) {
        const auto model = random_model(kind, seed);
        double best = -INFINITY;
        std::vector<int> expected;
        for (const auto& translation : all) {
          const double length = static_cast<double>(translation.size() + 1);
          const double score = log_probability(*model, translation) / std::pow((5 + length) / 6, penalty);
          if (score > best) {
            best = score;
            expected = translation;
          }
        }
        const Translation found = translate_one(*model, most, {.beam = 200, .length_penalty = penalty});
        EXPECT_EQ(found.words, expected) << name_of(kind) << ", seed " << seed;
        EXPECT_FALSE(found.cut);
        EXPECT_NEAR(found.log_probability, log_probability(*model, expected), 1e-12);
      }
}

TEST(BeamSearch, OfOneIsGreedyWhateverTheLengthPenalty) {
  std::vector<ModelConfig> choices{transformer};
  for (const CellKind cell : {CellKind::gru, CellKind::lstm, CellKind::elman}) {
    choices.push_back(rnn({}, cell));
    for (const Score score : {Score::dot, Score::scaled_dot, Score::additive}) choices.push_back(rnn(score, cell));
  }
  constexpr int most = 12;
  int translated = 0, cut = 0;
  for (const ModelConfig& choice : choices)
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
      const auto model = random_model(choice, seed);
      const Translation greedy = greedy_by_full_passes(*model, OneSequence(source_ids), most);
      for (const double penalty : {0.0, 0.6, 3.0}) {
        const Translation found = translate_one(*model, most, {.beam = 1, .length_penalty = penalty});
        EXPECT_EQ(found.words, greedy.words) << name_of(choice) << ", seed " << seed;
        EXPECT_EQ(found.cut, greedy.cut);
      }
      translated += static_cast<int>(greedy.words.size());
      cut += greedy.cut ? 1 : 0;
    }
  EXPECT_GT(translated, 100);  // there was something to compare, ended in both ways
  EXPECT_GT(cut, 5);
  EXPECT_LT(cut, 60);
}

TEST(BeamSearch, NeverProducesSpecialTokens) {
  for (const ModelConfig& kind : kinds)
    for (int beam : {1, 3, 10})
      for (int word : translate_one(*random_model(kind, 9), 20, {.beam = beam}).words) EXPECT_GE(word, special_tokens);
}

TEST(BeamSearch, TranslatesABatchAsItTranslatesEachSentence) {
  const std::vector<int> ids{4, 6, 5, eos_id, 5, eos_id, 0, 0, 6, 6, eos_id, 0};
  const std::vector<int> lengths{4, 2, 3}, most{9, 3, 7};
  for (const ModelConfig& kind : kinds) {
    const auto model = random_model(kind, 2);
    const auto together = translate(*model, {ids, 3, 4, lengths}, most, {.beam = 3});
    for (std::size_t b = 0; b < 3; ++b) {
      const auto alone = translate(*model,
                                   {std::span(ids).subspan(4 * b, static_cast<std::size_t>(lengths[b])), 1, lengths[b],
                                    std::span(lengths).subspan(b, 1)},
                                   std::span(most).subspan(b, 1), {.beam = 3});
      EXPECT_EQ(alone.front().words, together[b].words);
      EXPECT_EQ(alone.front().cut, together[b].cut);
      EXPECT_NEAR(alone.front().log_probability, together[b].log_probability, 1e-12);
    }
  }
}

TEST(BeamSearch, RefusesOptionsOutOfRange) {
  const auto model = random_model(transformer, 1);
  EXPECT_THROW(translate_one(*model, 3, {.beam = 0}), std::invalid_argument);
  EXPECT_THROW(translate_one(*model, 3, {.length_penalty = -1}), std::invalid_argument);
}

}  // namespace
}  // namespace qkv
