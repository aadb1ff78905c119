#include "qkv/study/explain/explanation_text.h"

#include <gtest/gtest.h>

#include "qkv/datasets/text.h"
#include "tests/study/small_models.h"

namespace qkv {
namespace {

TEST(ExplanationText, SaysWhyGradientsAreSmall) {
  const TrainedModel trained = small_transformer();
  Explainer explainer(trained, small_pair(trained));
  const std::string why =
      "the model is nearly sure of this translation (loss 0.0032 per word), so gradients are near 0";
  const auto says = [&](Explanation e, double loss) {
    e.loss = loss;
    return as_text(e, 200).find(why) != std::string::npos;
  };
  const Explanation backward = explainer.explain({.backward = true, .gradients = {.projections = false}});
  EXPECT_TRUE(says(backward, 0.0032));
  EXPECT_FALSE(says(backward, backward.loss)) << backward.loss;
  EXPECT_FALSE(says(explainer.explain({}), 0.0032)) << "there are no gradients";
  EXPECT_TRUE(says(explainer.explain({.of = "d weights[0,0]"}), 0.0032));
  EXPECT_FALSE(says(explainer.explain({.of = "weights[0,0]"}), 0.0032));
}

TEST(ExplanationText, LinesKeepToTheWidth) {
  const TrainedModel trained = small_transformer();
  Explainer explainer(trained, small_pair(trained));
  const std::string text = as_text(explainer.explain({.backward = true}), 80);
  std::size_t start = 0;
  for (std::size_t end = text.find('\n'); end != std::string::npos; start = end + 1, end = text.find('\n', start))
    EXPECT_LE(columns(text.substr(start, end - start)), 80) << text.substr(start, end - start);
}

}  // namespace
}  // namespace qkv
