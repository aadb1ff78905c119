#include <gtest/gtest.h>

#include "qkv/translation/rnn_seq2seq.h"
#include "tests/autograd/numbers.h"
#include "tests/files/temporary_folder.h"
#include "tests/translation/greedy_by_full_passes.h"
#include "tests/translation/toy_training.h"

namespace qkv {
namespace {

/// A model whose words depend strongly on what was read, and that rarely ends a sentence.
std::unique_ptr<Transformer<float>> random_model(std::uint64_t seed, float eos_bias = -2) {
  auto model = std::make_unique<Transformer<float>>(toy_transformer());
  model->parameters().initialise(seed);
  for (float& weight : parameter(*model, "generator.weight")) weight *= 4;
  parameter(*model, "generator.bias")[eos_id] = eos_bias;
  return model;
}

struct Sources {
  std::vector<int> ids{4, 5, 6, 7, eos_id, 8, eos_id, 0, 0, 0, 9, 10, 11, eos_id, 0, 4, 4, eos_id, 0, 0};
  std::vector<int> lengths{5, 2, 4, 3};
  Tokens tokens() const { return {ids, 4, 5, lengths}; }
  OneSequence one(std::size_t b) const {
    return OneSequence(std::span(ids).subspan(b * 5, static_cast<std::size_t>(lengths[b])));
  }
};

TEST(GreedyDecoding, TakesTheLikeliestWordOfTheFullForwardPass) {
  const Sources sources;
  int cut = 0, words = 0;
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    const auto model = random_model(seed, seed % 2 == 0 ? -2 : 2);
    const std::vector<int> limits{9, 4, 12, 7};
    const std::vector<Translation> together = translate<float>(*model, sources.tokens(), limits);
    ASSERT_EQ(together.size(), 4u);
    for (std::size_t b = 0; b < 4; ++b) {
      const Translation expected = greedy_by_full_passes<float>(*model, sources.one(b), limits[b]);
      EXPECT_EQ(together[b].words, expected.words) << seed << " " << b;
      EXPECT_EQ(together[b].cut, expected.cut) << seed << " " << b;
      const Translation alone = translate<float>(*model, sources.one(b), limits[b]);
      EXPECT_EQ(alone.words, together[b].words);
      EXPECT_EQ(alone.cut, together[b].cut);
      EXPECT_LE(static_cast<int>(together[b].words.size()), limits[b]);
      cut += expected.cut ? 1 : 0;
      words += static_cast<int>(expected.words.size());
    }
  }
  EXPECT_GT(cut, 4);  // both ways to end were seen
  EXPECT_LT(cut, 44);
  EXPECT_GT(words, 48);
}

TEST(GreedyDecoding, NeverTakesPaddingBeginningOrUnknown) {
  const Sources sources;
  const auto model = random_model(1, -10);
  for (const std::int32_t id : {pad_id, bos_id, unknown_id})
    parameter(*model, "generator.bias")[static_cast<std::size_t>(id)] = 1000;
  const std::vector<int> limits(4, 20);
  for (const Translation& translation : translate<float>(*model, sources.tokens(), limits)) {
    EXPECT_FALSE(translation.words.empty());
    for (const std::int32_t word : translation.words) EXPECT_GE(word, special_tokens);
  }
}

TEST(GreedyDecoding, KeepsToTheLimitOfEachSentence) {
  const Sources sources;
  const auto model = random_model(1, -1000);  // never ends by itself
  const std::vector<int> limits{0, 3, 11, 1};
  const std::vector<Translation> translations = translate<float>(*model, sources.tokens(), limits);
  for (std::size_t b = 0; b < 4; ++b) {
    EXPECT_EQ(static_cast<int>(translations[b].words.size()), limits[b]);
    EXPECT_TRUE(translations[b].cut);
  }
  const auto silent = random_model(1, 1000);
  for (const Translation& translation : translate<float>(*silent, sources.tokens(), limits)) {
    EXPECT_TRUE(translation.words.empty());
    EXPECT_FALSE(translation.cut);  // it ended by itself, also where no word was allowed
  }
}

TEST(GreedyDecoding, StopsAtTheLastPositionThatTheModelHas) {
  const Sources sources;
  TransformerConfig config = toy_transformer();
  config.max_positions = 7;  // <bos> takes one
  Transformer<float> model(config);
  EXPECT_EQ(model.most_target_words(), 6);
  model.parameters().initialise(1);
  const std::vector<int> limits{50, 6, 7, 4};
  for (const float eos_bias : {-1000.0F, 1000.0F}) {
    parameter<float>(model, "generator.bias")[eos_id] = eos_bias;
    const std::vector<Translation> translations = translate<float>(model, sources.tokens(), limits, {.beam = 2});
    for (std::size_t b = 0; b < 4; ++b) {
      EXPECT_EQ(translations[b].words.size(), eos_bias > 0 ? 0U : b == 3 ? 4U : 6U);
      EXPECT_EQ(translations[b].cut, eos_bias < 0);
    }
  }
  const RnnSeq2Seq<float> recurrent({.source_vocabulary = 12, .target_vocabulary = 12, .embedding = 4, .hidden = 4});
  EXPECT_GT(recurrent.most_target_words(), 1'000'000);
}

TEST(GreedyDecoding, OfNothingIsNothing) {
  const auto model = random_model(1);
  EXPECT_TRUE(translate<float>(*model, {}, {}).empty());
  const Sources sources;
  EXPECT_NE(complaint([&] { translate<float>(*model, sources.tokens(), std::vector<int>{1, 2}); }), "");
}

TEST(GreedyDecoding, AllowsTwiceTheSourceAndTen) {
  EXPECT_EQ(most_words(1), 12);
  EXPECT_EQ(most_words(7), 24);
}

/// Sets a flag when it is asked for its third word, as a signal might.
struct Interrupted : Seq2Seq<float> {
  struct Words : Decoding<float> {
    explicit Words(const Interrupted& interrupted) : model(interrupted) {}
    Var<float> next(std::span<const int> words) override {
      if (++model.asked == 3) model.stop = true;
      const std::vector<float> logits(words.size() * 5, 1);  // the first word that may be taken is never <eos>, word 2
      std::vector<float> changed = logits;
      for (std::size_t i = 4; i < changed.size(); i += 5) changed[i] = 2;
      return Tape<float>::current().constant({static_cast<int>(words.size()), 1, 5}, changed, "logits");
    }
    void select(std::span<const int>) override {}
    const Interrupted& model;
  };

  Var<float> logits(const Tokens&, const Tokens&) const override { throw std::logic_error("nobody asks for them"); }
  std::unique_ptr<Decoding<float>> decode(const Tokens&, int) const override { return std::make_unique<Words>(*this); }

  mutable StopFlag stop{false};
  mutable int asked = 0;
};

TEST(GreedyDecoding, EndsBeforeTheNextWordWhenItIsStopped) {
  const Sources sources;
  const Interrupted model;
  const std::vector<int> limits{900, 900, 900, 900};
  EXPECT_THROW(translate<float>(model, sources.tokens(), limits, {}, model.stop), Stopped);
  EXPECT_EQ(model.asked, 3);
}

TEST(GreedyDecoding, NamesTheOperationWhereANumberIsNoLongerFinite) {
  const Sources sources;
  const auto model = random_model(1);
  for (const float weight : {INFINITY, NAN, 3e38F}) {
    parameter(*model, "decoder.layers.0.norm1.weight")[2] = weight;
    const std::vector<int> limits{9, 9, 9, 9};
    const std::string message =
        message_of<std::runtime_error>([&] { translate<float>(*model, sources.tokens(), limits); });
    EXPECT_NE(message.find("scores of the next word are not finite"), std::string::npos) << message;
    EXPECT_NE(message.find("decoder.layers.0"), std::string::npos) << message;
  }
}

}  // namespace
}  // namespace qkv
