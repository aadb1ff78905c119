#include "qkv/study/report/head_switched_off.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>

#include "qkv/autograd/random.h"
#include "qkv/translation/batch_loss.h"
#include "qkv/translation/models.h"
#include "tests/translation/toy_training.h"

namespace qkv {
namespace {

std::vector<float> logits_of(const Seq2Seq<float>& model) {
  const Batch batch = batch_of(toy_pairs(5, 2));
  Tape<float> tape;
  const Recording recording(tape);
  const NoGrad no_grad(tape);
  const Var<float> logits = model.logits(source_of(batch, whole(batch)), target_of(batch, whole(batch)));
  return {logits.data(), logits.data() + logits.size()};
}

double distance(const std::vector<float>& a, const std::vector<float>& b) {
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(double{a[i]} - double{b[i]}));
  return largest;
}

/// Gives every parameter numbers that are not 0, biases too.
void randomise(Seq2Seq<float>& model) {
  Random random(3);
  for (float& number : model.parameters().values()) number = static_cast<float>(random.uniform() - 0.5);
}

// A head's output is Σ weights · values, so it is zero where its values are.
TEST(HeadSwitchedOff, IsAHeadWhoseValuesAreZero) {
  TransformerConfig config = toy_transformer();
  const auto model = make_model<float>(config);
  randomise(*model);
  const std::vector<float> before = logits_of(*model);
  const auto width = static_cast<std::size_t>(config.d_model / config.heads);
  for (const std::string name :
       {"encoder.layers.1.self_attention", "decoder.layers.0.self_attention", "decoder.layers.1.cross_attention"})
    for (int head = 0; head < config.heads; ++head) {
      std::vector<float> without;
      {
        const HeadSwitchedOff off(*model, name, head);
        without = logits_of(*model);
      }
      EXPECT_EQ(logits_of(*model), before) << "it is switched on again";
      EXPECT_GT(distance(without, before), 1e-4) << name << " does something";
      const std::span<float> weight = parameter(*model, name + ".value.weight");
      const std::span<float> bias = parameter(*model, name + ".value.bias");
      const std::vector<float> weight_before(weight.begin(), weight.end()), bias_before(bias.begin(), bias.end());
      const std::size_t first = static_cast<std::size_t>(head) * width, columns = weight.size() / bias.size();
      std::fill_n(weight.begin() + static_cast<std::ptrdiff_t>(first * columns), width * columns, 0.0F);
      std::fill_n(bias.begin() + static_cast<std::ptrdiff_t>(first), width, 0.0F);
      EXPECT_LT(distance(logits_of(*model), without), 2e-6) << name << ", head " << head;
      std::copy(weight_before.begin(), weight_before.end(), weight.begin());
      std::copy(bias_before.begin(), bias_before.end(), bias.begin());
    }
}

// Without the attention value nothing depends on the scores any more.
TEST(HeadSwitchedOff, OfAnRnnIsItsAttentionValue) {
  RnnConfig config{
      .source_vocabulary = 12, .target_vocabulary = 12, .embedding = 8, .hidden = 12, .attention = Score::additive};
  const auto model = make_model<float>(config);
  randomise(*model);
  const auto with_other_scores = [&] {
    const std::span<float> query = parameter(*model, "decoder.score.query.weight");
    const std::vector<float> before(query.begin(), query.end());
    std::reverse(query.begin(), query.end());
    const std::vector<float> logits = logits_of(*model);
    std::copy(before.begin(), before.end(), query.begin());
    return logits;
  };
  EXPECT_GT(distance(with_other_scores(), logits_of(*model)), 1e-4);
  const HeadSwitchedOff off(*model, "decoder", 0);
  EXPECT_EQ(with_other_scores(), logits_of(*model));
  const std::span<float> combine = parameter(*model, "decoder.combine.weight");
  EXPECT_EQ(std::count(combine.begin(), combine.end(), 0.0F), 12 * 12) << "half of the columns, and not the state's";
  EXPECT_NE(combine.back(), 0.0F);
}

TEST(HeadSwitchedOff, RefusesAHeadThatDoesNotExist) {
  const auto model = make_model<float>(toy_transformer());
  model->parameters().initialise(1);
  EXPECT_THROW(HeadSwitchedOff(*model, "decoder.layers.9.cross_attention", 0), std::invalid_argument);
  EXPECT_THROW(HeadSwitchedOff(*model, "decoder.layers.0.cross_attention", 2), std::invalid_argument);
}

}  // namespace
}  // namespace qkv
