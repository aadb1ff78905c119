#include <gtest/gtest.h>

#include "tests/translation/decoding_steps.h"

namespace qkv {
namespace {

template <class T>
class TransformerDecodingTest : public testing::Test {};
using Scalars = testing::Types<float, double>;
TYPED_TEST_SUITE(TransformerDecodingTest, Scalars);

TYPED_TEST(TransformerDecodingTest, WithCachesGivesWhatTheFullForwardPassGives) {
  using T = TypeParam;
  for (const NormOrder norm : {NormOrder::post, NormOrder::pre})
    for (const Positions positions : {Positions::sinusoidal, Positions::learned}) {
      TransformerConfig config = small_config(norm);
      config.positions = positions;
      config.tie_embeddings = positions == Positions::learned;
      const auto model = random_transformer<T>(config);
      Tape<T> tape;
      const Recording recording(tape);
      const auto [sources, targets] = DecodedSentences();
      const Sentences source(sources), target(targets);
      const auto decoding = model->decode(source.tokens(), 6);
      tape.rewind();
      for (int i = 0; i < 6; ++i) {
        const Var<T> logits = decoding->next(target.words(i));
        ASSERT_EQ(logits.shape(), Shape({4, 1, 13}));
        EXPECT_FALSE(logits.node()->needs_gradient);
        for (std::size_t b = 0; b < targets.size(); ++b) {
          if (i >= static_cast<int>(targets[b].size())) continue;
          const std::vector<int> so_far(targets[b].begin(), targets[b].begin() + i + 1);
          EXPECT_LE(largest_difference(row_of(logits, static_cast<int>(b)), full_logits<T>(*model, sources[b], so_far)),
                    rounding<T>)
              << "sentence " << b << ", word " << i;
        }
        tape.rewind();  // the state lies outside the tape
      }
    }
}

TYPED_TEST(TransformerDecodingTest, SelectDropsReordersAndRepeatsSentences) {
  for (const NormOrder norm : {NormOrder::post, NormOrder::pre})
    expect_select_to_drop_reorder_and_repeat<TypeParam>(*random_transformer<TypeParam>(small_config(norm)));
}

TYPED_TEST(TransformerDecodingTest, WithCachesGivesTheRowsOfOneCausalPass) {
  for (const NormOrder norm : {NormOrder::post, NormOrder::pre})
    for (const Activation activation : {Activation::relu, Activation::gelu})
      for (const Positions positions : {Positions::sinusoidal, Positions::learned})
        for (const bool tie : {false, true}) {
          TransformerConfig config = small_config(norm);
          config.activation = activation;
          config.positions = positions;
          config.tie_embeddings = tie;
          expect_each_step_to_be_a_row_of_one_pass<TypeParam>(*random_transformer<TypeParam>(config));
        }
}

TYPED_TEST(TransformerDecodingTest, AWordCostsOneMoreWeightForEachWordBeforeIt) {
  const auto model = random_transformer<TypeParam>(small_config(NormOrder::pre));
  const std::vector<std::int64_t> costs = costs_of_words<TypeParam>(*model, 24);
  const int sentences = 4, layers = 2, heads = 2;
  for (int i = 0; i < 24; ++i)
    EXPECT_EQ(costs[static_cast<std::size_t>(i)], costs[0] + sentences * layers * heads * i) << "word " << i;
  EXPECT_EQ(costs_of_words<TypeParam>(*model, 1).front(), costs[0]) << "room for more words costs nothing";
}

TYPED_TEST(TransformerDecodingTest, SaysWhatDoesNotFit) {
  using T = TypeParam;
  TransformerConfig config = small_config(NormOrder::post);
  config.max_positions = 6;
  const auto model = random_transformer<T>(config);
  Tape<T> tape;
  const Recording recording(tape);
  const Sentences source(DecodedSentences().sources);
  const std::vector<int> one(4, 1);
  const auto decoding = model->decode(source.tokens(), 2);
  EXPECT_NE(complaint([&] { decoding->next(std::vector<int>{1}); }).find("1 words do not fit 4 sentences"),
            std::string::npos);
  EXPECT_NE(complaint([&] { decoding->select(std::vector<int>{0, 4}); }).find("no row 4 among 4"), std::string::npos);
  EXPECT_NE(complaint([&] { decoding->select(std::vector<int>{-1}); }), "");
  decoding->next(one);
  decoding->next(one);
  EXPECT_NE(complaint([&] { decoding->next(one); }).find("3 positions do not fit a capacity of 2"), std::string::npos);
  const auto longer = model->decode(source.tokens(), 10);
  for (int i = 0; i < 6; ++i) longer->next(one);
  EXPECT_NE(complaint([&] { longer->next(one); }).find("1 positions from 6 on are needed, but there are only 6"),
            std::string::npos);
}

TEST(KeyValueCache, KeepsWhatIsAppendedApartFromTheTape) {
  Tape<double> tape;
  const Recording recording(tape);
  KeyValueCache<double> cache(2, 3, 2);
  const std::vector<double> keys{1, 2, 3, 4, 5, 6, 7, 8}, values{11, 12, 13, 14, 15, 16, 17, 18};
  cache.append(tape.constant({2, 2, 2}, keys), tape.constant({2, 2, 2}, values));
  tape.rewind();
  cache.append(tape.constant({2, 1, 2}, std::vector<double>{21, 22, 23, 24}),
               tape.constant({2, 1, 2}, std::vector<double>{31, 32, 33, 34}));
  tape.rewind();
  EXPECT_EQ(cache.length(), 3);
  EXPECT_EQ(values_of(cache.keys()), (std::vector<double>{1, 2, 3, 4, 21, 22, 5, 6, 7, 8, 23, 24}));
  EXPECT_EQ(values_of(cache.values()), (std::vector<double>{11, 12, 13, 14, 31, 32, 15, 16, 17, 18, 33, 34}));
  cache.select(std::vector<int>{1, 1, 0});
  EXPECT_EQ(cache.batch(), 3);
  EXPECT_EQ(cache.keys().shape(), Shape({3, 3, 2}));
  EXPECT_EQ(values_of(cache.keys()), (std::vector<double>{5, 6, 7, 8, 23, 24, 5, 6, 7, 8, 23, 24, 1, 2, 3, 4, 21, 22}));
}

TEST(KeyValueCache, RefusesWhatDoesNotFit) {
  Tape<double> tape;
  const Recording recording(tape);
  KeyValueCache<double> cache(2, 3, 4);
  const auto appending = [&](const Shape& keys, const Shape& values) {
    return complaint([&] { cache.append(tape.zeros(keys), tape.zeros(values)); });
  };
  EXPECT_EQ(appending({2, 1, 3}, {2, 1, 3}), "cache: [2, 1, 3] does not fit batch size 2 and width 4");
  EXPECT_NE(appending({3, 1, 4}, {3, 1, 4}), "");
  EXPECT_EQ(appending({2, 1, 4}, {2, 2, 4}), "cache: keys [2, 1, 4] and values [2, 2, 4] differ");
  EXPECT_EQ(appending({2, 4, 4}, {2, 4, 4}), "cache: 4 positions do not fit a capacity of 3");
  EXPECT_EQ(cache.length(), 0);
  EXPECT_EQ(appending({2, 3, 4}, {2, 3, 4}), "");
  EXPECT_EQ(complaint([&] { cache.select(std::vector<int>{2}); }), "cache: there is no row 2 among 2");
}

}  // namespace
}  // namespace qkv
