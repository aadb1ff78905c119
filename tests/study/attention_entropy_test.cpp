#include "qkv/study/compare/attention_entropy.h"

#include <cmath>
#include <gtest/gtest.h>

#include "qkv/translation/attention_maps.h"

namespace qkv {
namespace {

TEST(AttentionEntropy, IsInBitsTheMeanOfTheRows) {
  Tape<float> tape;
  const Recording<float> recording(tape);
  // One row looks at one of four words, one at two of them alike, one at all.
  const Var<float> weights = tape.constant({1, 3, 4}, {1, 0, 0, 0, 0.5, 0, 0.5, 0, 0.25, 0.25, 0.25, 0.25});
  AttentionRecord<float>{.layer = "attention", .kind = AttentionKind::cross, .weights = weights}.leave();
  EXPECT_NEAR(attention_entropy(tape, AttentionKind::cross).value(), (0.0 + 1 + 2) / 3, 1e-6);
  EXPECT_FALSE(attention_entropy(tape, AttentionKind::self).has_value());
}

TEST(AttentionEntropy, HasARowForTheKindsThatAModelHas) {
  const Pair pair{{"저는", "새", "집을", "봅니다", "."}, {"I", "see", "a", "new", "house", "."}, {}};
  const auto kinds = [&](const std::string& model) {
    const TrainedModel trained = load_run(QKV_SOURCE_DIR "/docs/checkpoint/" + model);
    std::string names;
    for (const EntropyRow& row : entropy_of({&trained, &trained}, {pair}, "5")) {
      names += row.kind + " ";
      EXPECT_EQ(row.n, 2U);
      EXPECT_NEAR(row.uniform_bits, std::log2(6), 1e-12);
      EXPECT_GT(row.bits.value, 0);
      EXPECT_LT(row.bits.value, row.uniform_bits);
    }
    return names;
  };
  EXPECT_EQ(kinds("rnn"), "");
  EXPECT_EQ(kinds("rnn-attention"), "cross ");
  EXPECT_EQ(kinds("transformer"), "cross self ");
}

}  // namespace
}  // namespace qkv
