#include "qkv/translation/transformer.h"

#include <gtest/gtest.h>

#include "tests/translation/small_transformer.h"

namespace qkv {
namespace {

constexpr NormOrder norm_orders[] = {NormOrder::post, NormOrder::pre};
constexpr int words = 13;  // the target vocabulary's

template <class T>
class TransformerTest : public testing::Test {};
using Scalars = testing::Types<float, double>;
TYPED_TEST_SUITE(TransformerTest, Scalars);

/// The logits after the words of sentence b up to and including word i.
template <class T>
std::vector<T> row(const std::vector<T>& logits, int width, int b, int i) {
  const auto begin = logits.begin() + (b * width + i) * words;
  return {begin, begin + words};
}

TYPED_TEST(TransformerTest, ALaterWordChangesNothingBefore) {
  using T = TypeParam;
  for (const NormOrder norm : norm_orders) {
    const auto model = random_transformer<T>(small_config(norm));
    const Sentences source{{4, 5, 6, 2}, {7, 2}};
    const std::vector<int> target{1, 4, 5, 6, 7, 8};
    const std::vector<T> before = logits_of(*model, source, Sentences{target, {1, 9}});
    for (int changed = 1; changed < 6; ++changed) {
      std::vector<int> other = target;
      other[static_cast<std::size_t>(changed)] = 12;
      const std::vector<T> after = logits_of(*model, source, Sentences{other, {1, 9}});
      for (int i = 0; i < changed; ++i) EXPECT_EQ(row(after, 6, 0, i), row(before, 6, 0, i)) << changed << " at " << i;
      EXPECT_NE(row(after, 6, 0, changed), row(before, 6, 0, changed));
    }
  }
}

TYPED_TEST(TransformerTest, EveryEarlierWordAndEverySourceWordIsSeen) {
  using T = TypeParam;
  for (const NormOrder norm : norm_orders) {
    const auto model = random_transformer<T>(small_config(norm));
    const std::vector<int> source{4, 5, 6, 2}, target{1, 4, 5, 6};
    const std::vector<T> before = logits_of(*model, Sentences{source}, Sentences{target});
    for (std::size_t i = 0; i < 4; ++i) {
      std::vector<int> other = source;
      other[i] = 10;
      EXPECT_NE(row(logits_of(*model, Sentences{other}, Sentences{target}), 4, 0, 0), row(before, 4, 0, 0));
      other = target;
      other[i] = 10;
      EXPECT_NE(row(logits_of(*model, Sentences{source}, Sentences{other}), 4, 0, 3), row(before, 4, 0, 3));
    }
  }
}

TYPED_TEST(TransformerTest, PaddingChangesNothing) {
  using T = TypeParam;
  const std::vector<std::vector<int>> sources{{4, 5, 6, 7, 2}, {8, 2}, {9, 10, 2}};
  const std::vector<std::vector<int>> targets{{1, 4}, {1, 5, 6, 7, 8}, {1, 9, 10}};
  for (const NormOrder norm : norm_orders) {
    const auto model = random_transformer<T>(small_config(norm));
    const std::vector<T> together = logits_of(*model, Sentences(sources), Sentences(targets));
    const std::vector<T> filled = logits_of(*model, Sentences(sources, 0, 10), Sentences(targets, 0, 12));
    const std::vector<T> wider = logits_of(*model, Sentences(sources, 9), Sentences(targets, 7));
    for (int b = 0; b < 3; ++b) {
      const auto at = static_cast<std::size_t>(b);
      const std::vector<T> alone = logits_of(*model, Sentences{sources[at]}, Sentences{targets[at]});
      for (int i = 0; i < static_cast<int>(targets[at].size()); ++i) {
        EXPECT_LE(largest_difference(row(together, 5, b, i), row(alone, 0, 0, i)), rounding<T>) << b << " " << i;
        EXPECT_LE(largest_difference(row(wider, 7, b, i), row(alone, 0, 0, i)), rounding<T>) << b << " " << i;
        EXPECT_EQ(row(filled, 5, b, i), row(together, 5, b, i)) << b << " " << i;
      }
    }
  }
}

TYPED_TEST(TransformerTest, WithoutPositionsTheEncoderKeepsToTheOrderOfItsWords) {
  using T = TypeParam;
  const std::vector<int> order{3, 0, 4, 1, 2};
  for (const NormOrder norm : norm_orders) {
    Parameters<T> parameters;
    const TransformerEncoder<T> encoder(parameters.root() / "encoder", small_config(norm).stack());
    randomise(parameters, 3);
    const std::vector<T> x = normal_numbers<T>(5 * 16, 7);
    std::vector<T> permuted;
    for (const int i : order) permuted.insert(permuted.end(), x.begin() + i * 16, x.begin() + (i + 1) * 16);
    Tape<T> tape;
    const Recording recording(tape);
    const std::vector<T> y = values_of(encoder(tape.constant({1, 5, 16}, x), Mask::none()));
    const std::vector<T> z = values_of(encoder(tape.constant({1, 5, 16}, permuted), Mask::none()));
    std::vector<T> expected;
    for (const int i : order) expected.insert(expected.end(), y.begin() + i * 16, y.begin() + (i + 1) * 16);
    EXPECT_LE(largest_difference(z, expected), rounding<T>);
    EXPECT_GT(largest_difference(z, y), 0.1);
  }
}

TYPED_TEST(TransformerTest, PositionsTellTheSameWordsApart) {
  using T = TypeParam;
  for (const Positions positions : {Positions::sinusoidal, Positions::learned}) {
    TransformerConfig config = small_config(NormOrder::post);
    config.positions = positions;
    const auto model = random_transformer<T>(config);
    const std::vector<T> logits = logits_of(*model, Sentences{{4, 5, 2}, {5, 4, 2}}, Sentences{{1}, {1}});
    EXPECT_GT(largest_difference(row(logits, 1, 0, 0), row(logits, 1, 1, 0)), 1e-3);
  }
}

TYPED_TEST(TransformerTest, ASentenceOfOneWordWorks) {
  using T = TypeParam;
  for (const NormOrder norm : norm_orders) {
    const auto model = random_transformer<T>(small_config(norm));
    const std::vector<T> logits = logits_of(*model, Sentences{{2}}, Sentences{{1}});
    ASSERT_EQ(logits.size(), static_cast<std::size_t>(words));
    for (const T z : logits) EXPECT_TRUE(std::isfinite(z));
  }
}

TYPED_TEST(TransformerTest, SaysWhenASentenceIsLongerThanThePositions) {
  using T = TypeParam;
  for (const Positions positions : {Positions::sinusoidal, Positions::learned}) {
    TransformerConfig config = small_config(NormOrder::post);
    config.max_positions = 4;
    config.positions = positions;
    const auto model = random_transformer<T>(config);
    logits_of(*model, Sentences{{4, 5, 6, 2}}, Sentences{{1, 4, 5, 6}});
    const std::string source = complaint([&] { logits_of(*model, Sentences{{4, 5, 6, 7, 2}}, Sentences{{1}}); });
    EXPECT_NE(source.find("5 positions from 0 on are needed, but there are only 4 (in source_positions)"),
              std::string::npos)
        << source;
    const std::string target = complaint([&] { logits_of(*model, Sentences{{2}}, Sentences{{1, 4, 5, 6, 7}}); });
    EXPECT_NE(target.find("(in target_positions)"), std::string::npos) << target;
  }
}

TYPED_TEST(TransformerTest, SaysWhenAWordIsNotInTheVocabulary) {
  using T = TypeParam;
  const auto model = random_transformer<T>(small_config(NormOrder::post));
  const std::string source = complaint([&] { logits_of(*model, Sentences{{4, 11, 2}}, Sentences{{1}}); });
  EXPECT_NE(source.find("id 11 at element 1"), std::string::npos) << source;
  EXPECT_NE(source.find("(in source_embedding)"), std::string::npos) << source;
  const std::string target = complaint([&] { logits_of(*model, Sentences{{2}}, Sentences{{1, -1}}); });
  EXPECT_NE(target.find("id -1 at element 1"), std::string::npos) << target;
}

TYPED_TEST(TransformerTest, DropsFeaturesOnlyWhileTraining) {
  using T = TypeParam;
  for (const NormOrder norm : norm_orders) {
    TransformerConfig config = small_config(norm);
    const auto plain = random_transformer<T>(config);
    config.dropout = 0.3;
    const auto model = random_transformer<T>(config);
    const Sentences source{{4, 5, 2}}, target{{1, 4, 5}};
    const auto logits_with = [&](const DrawKey& draws) {
      Tape<T> tape;
      const Recording recording(tape);
      tape.draws = draws;
      return values_of(model->logits(source.tokens(), target.tokens()));
    };
    const std::vector<T> off = logits_with({.seed = 1, .step = 1});
    EXPECT_EQ(off, logits_of(*plain, source, target));
    const std::vector<T> on = logits_with({.seed = 1, .step = 1, .training = true});
    EXPECT_GT(largest_difference(on, off), 1e-2);
    EXPECT_EQ(on, logits_with({.seed = 1, .step = 1, .training = true}));
    EXPECT_NE(on, logits_with({.seed = 1, .step = 2, .training = true}));
    EXPECT_NE(on, logits_with({.seed = 2, .step = 1, .training = true}));
  }
}

TEST(Transformer, RefusesHeadsThatDoNotDivideTheFeatures) {
  TransformerConfig config = small_config(NormOrder::post);
  config.heads = 3;
  EXPECT_EQ(complaint([&] { Transformer<float> model(config); }),
            "attention: 16 features cannot be divided among 3 heads");
  config.heads = 0;
  EXPECT_NE(complaint([&] { Transformer<float> model(config); }), "");
  config = small_config(NormOrder::post);
  config.dropout = 1;
  EXPECT_EQ(complaint([&] { Transformer<float> model(config); }), "dropout: probability 1 is not in [0, 1)");
}

}  // namespace
}  // namespace qkv
