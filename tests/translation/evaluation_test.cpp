#include "qkv/translation/evaluation.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "qkv/translation/decoding.h"
#include "tests/autograd/numbers.h"
#include "tests/files/temporary_folder.h"
#include "tests/translation/toy_training.h"

namespace qkv {
namespace {

/// Data in no order of length, with the vocabularies of both sides.
struct ToyData {
  std::vector<Pair> pairs = toy_pairs(150, 4);
  Vocabulary source{pairs, &Pair::source}, target{pairs, &Pair::target};
};

std::unique_ptr<Transformer<float>> random_model(const ToyData& data) {
  TransformerConfig config = toy_transformer();
  config.source_vocabulary = data.source.size();
  config.target_vocabulary = data.target.size();
  auto model = std::make_unique<Transformer<float>>(config);
  model->parameters().initialise(3);
  for (float& weight : parameter(*model, "generator.weight")) weight *= 4;
  return model;
}

TEST(Evaluation, OfAModelThatAlwaysSaysTheSameIsWhatItIsByHand) {
  const ToyData data;
  const auto model = random_model(data);
  // Without the generator's weight, its bias alone decides: the same probabilities for every word.
  for (float& weight : parameter(*model, "generator.weight")) weight = 0;
  const auto bias = parameter(*model, "generator.bias");
  const std::int32_t favourite = data.target.id("C");
  ASSERT_GE(favourite, special_tokens);
  for (std::size_t i = 0; i < bias.size(); ++i) bias[i] = 0.1F * static_cast<float>(i);
  bias[static_cast<std::size_t>(favourite)] = 3;
  double sum = 0;
  for (const float b : bias) sum += std::exp(static_cast<double>(b));
  double loss = 0;
  int tokens = 0, right = 0;
  for (const Pair& pair : data.pairs) {
    for (const std::int32_t word : data.target.encode_with_eos(pair.target)) {
      loss -= static_cast<double>(bias[static_cast<std::size_t>(word)]) - std::log(sum);
      right += word == favourite ? 1 : 0;
      ++tokens;
    }
  }
  Team team(2);
  const Evaluation evaluation = evaluate(*model, data.source, data.target, data.pairs, team);
  EXPECT_NEAR(evaluation.loss, loss / tokens, 1e-5);
  EXPECT_NEAR(evaluation.perplexity(), std::exp(loss / tokens), 1e-4);
  EXPECT_DOUBLE_EQ(evaluation.token_accuracy, static_cast<double>(right) / tokens);
  EXPECT_EQ(evaluation.cut, 150);  // it never says <eos>
  for (std::size_t i = 0; i < data.pairs.size(); ++i)
    EXPECT_EQ(evaluation.translations[i],
              Sentence(static_cast<std::size_t>(most_words(static_cast<int>(data.pairs[i].source.size()))), "C"));
  EXPECT_EQ(evaluation.scores.exact_match, 0);

  bias[eos_id] = 10;
  const Evaluation silent = evaluate(*model, data.source, data.target, data.pairs, team);
  EXPECT_EQ(silent.cut, 0);
  EXPECT_DOUBLE_EQ(silent.token_accuracy, 150.0 / tokens);
  for (const Sentence& translation : silent.translations) EXPECT_TRUE(translation.empty());
}

TEST(Evaluation, KeepsTheTranslationsInTheOrderOfThePairs) {
  const ToyData data;
  const auto model = random_model(data);
  Team team(2);
  const Evaluation evaluation = evaluate(*model, data.source, data.target, data.pairs, team);
  ASSERT_EQ(evaluation.translations.size(), data.pairs.size());
  std::vector<Sentence> references;
  for (std::size_t i = 0; i < data.pairs.size(); ++i) {
    const std::vector<int> ids = data.source.encode_with_eos(data.pairs[i].source);
    const int limit = most_words(static_cast<int>(data.pairs[i].source.size()));
    const Translation alone = translate<float>(*model, OneSequence(ids), limit);
    EXPECT_EQ(evaluation.translations[i], data.target.decode(alone.words)) << i;
    EXPECT_EQ(evaluation.is_cut[i], alone.cut) << i;
    references.push_back(data.pairs[i].target);
  }
  EXPECT_EQ(evaluation.scores.bleu, bleu(evaluation.translations, references));
  EXPECT_EQ(evaluation.scores.sentences, 150u);
  std::size_t sentences = 0;
  for (const LengthScores& length : evaluation.by_length) sentences += length.scores.sentences;
  EXPECT_EQ(sentences, 150u);
}

TEST(Evaluation, DoesNotDependOnTheNumberOfWorkers) {
  const ToyData data;
  const auto model = random_model(data);
  Team one(1), two(2), five(5);  // more than there are batches
  const std::string expected = to_json(evaluate(*model, data.source, data.target, data.pairs, one)).dump();
  EXPECT_EQ(to_json(evaluate(*model, data.source, data.target, data.pairs, two)).dump(), expected);
  EXPECT_EQ(to_json(evaluate(*model, data.source, data.target, data.pairs, five)).dump(), expected);
}

TEST(Evaluation, HasNoDropout) {
  const ToyData data;
  TransformerConfig config = toy_transformer(0.5);
  config.source_vocabulary = data.source.size();
  config.target_vocabulary = data.target.size();
  Transformer<float> with(config);
  config.dropout = 0;
  Transformer<float> without(config);
  with.parameters().initialise(1);
  without.parameters().initialise(1);
  Team team(1);
  EXPECT_EQ(evaluate(with, data.source, data.target, data.pairs, team).loss,
            evaluate(without, data.source, data.target, data.pairs, team).loss);
}

TEST(Evaluation, ReadsAlignmentWhereThereAreLinks) {
  ToyData data;
  const auto model = random_model(data);
  Team team(2);
  const Evaluation evaluation = evaluate(*model, data.source, data.target, data.pairs, team);
  ASSERT_TRUE(evaluation.alignment.has_value());
  const AlignmentScores& scores = *evaluation.alignment;
  ASSERT_EQ(scores.entries.size(), 2u * 2 * 2);  // layers, heads, offsets
  double least = 1;
  for (int i = 0; i < 8; ++i) {
    const auto& [reading, aer] = scores.entries[static_cast<std::size_t>(i)];
    EXPECT_EQ(reading, (AlignmentReading{i / 4, i / 2 % 2, i % 2}));
    EXPECT_GE(aer, 0);
    EXPECT_LE(aer, 1);
    least = std::min(least, aer);
  }
  EXPECT_EQ(scores.best().aer, least);
  EXPECT_EQ(scores.floor, 0);
  EXPECT_GT(scores.diagonal, 0.3);  // the toy turns sentences round
  EXPECT_GT(scores.uniform, 0.3);
  const auto json = to_json(evaluation);
  EXPECT_EQ(json["aer"].size(), 8u);
  EXPECT_TRUE(json.contains("aer_floor"));

  for (Pair& pair : data.pairs) pair.links.clear();
  const Evaluation unlinked = evaluate(*model, data.source, data.target, data.pairs, team);
  EXPECT_FALSE(unlinked.alignment.has_value());
  EXPECT_FALSE(to_json(unlinked).contains("aer"));
  EXPECT_EQ(unlinked.loss, evaluation.loss);
}

TEST(Evaluation, ReadsAlignmentFromTheLayerThatHasIt) {
  ToyData data;
  const auto model = random_model(data);
  // Queries and keys of layer 1 become 0, so that its heads look at all words alike and the first wins each tie.
  for (const char* name :
       {"decoder.layers.1.cross_attention.query.weight", "decoder.layers.1.cross_attention.key.weight"})
    for (float& weight : parameter(*model, name)) weight = 0;
  for (Pair& pair : data.pairs) {
    pair.links.clear();
    for (int i = 0; i < static_cast<int>(pair.target.size()); ++i) pair.links.push_back({0, i, true});
  }
  Team team(1);
  const Evaluation evaluation = evaluate(*model, data.source, data.target, data.pairs, team);
  for (const auto& [reading, aer] : evaluation.alignment->entries)
    EXPECT_EQ(aer == 0, reading.layer == 1) << reading.layer << " " << reading.head << " " << reading.offset;
}

TEST(Evaluation, NeedsSentences) {
  const ToyData data;
  const auto model = random_model(data);
  Team team(1);
  EXPECT_EQ(complaint([&] { evaluate(*model, data.source, data.target, {}, team); }),
            "evaluation: there are no sentences");
}

TEST(Evaluation, NamesWhereANumberIsNoLongerFinite) {
  const ToyData data;
  const auto model = random_model(data);
  for (float& weight : parameter(*model, "decoder.layers.1.feed_forward.inner.weight")) weight = 3e38F;
  Team team(2);
  const std::string message =
      message_of<std::runtime_error>([&] { evaluate(*model, data.source, data.target, data.pairs, team); });
  EXPECT_NE(message.find("the loss is "), std::string::npos) << message;
  EXPECT_NE(message.find("in decoder.layers.1.feed_forward"), std::string::npos) << message;
}

TEST(Evaluation, APerplexityThatNoNumberCanHoldIsAnErrorInJson) {
  Evaluation evaluation;
  evaluation.loss = 709;
  EXPECT_NO_THROW(to_json(evaluation));
  evaluation.loss = 710;
  EXPECT_EQ(message_of<std::runtime_error>([&] { to_json(evaluation); }),
            "the loss is 710 per token, and the perplexity, e to that power, is more than a number in JSON can hold");
}

TEST(Evaluation, EndsWhenItIsStopped) {
  const ToyData data;
  const auto model = random_model(data);
  Team team(2);
  const StopFlag stop = true;
  EXPECT_THROW(evaluate(*model, data.source, data.target, data.pairs, team, {}, stop), Stopped);
}

}  // namespace
}  // namespace qkv
