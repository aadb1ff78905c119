#include <gtest/gtest.h>

#include "qkv/translation/batch_loss.h"
#include "qkv/translation/models.h"
#include "tests/train/watched_backward.h"
#include "tests/translation/toy_training.h"

namespace qkv {
namespace {

TEST(CompleteGradients, StayAsTheyAreInEveryModel) {
  std::vector<ModelConfig> configs = models();
  configs.push_back(RnnConfig{.cell = CellKind::lstm, .attention = Score::additive});
  for (ModelConfig& config : configs) {
    std::visit([](auto& model) { model.source_vocabulary = model.target_vocabulary = 12; }, config);
    const std::unique_ptr<Seq2Seq<float>> model = make_model<float>(config);
    model->parameters().initialise(1);
    const Batch batch = batch_of(toy_pairs(5, 1));
    const std::vector<std::size_t> places =
        watched_backward<float>(model->parameters(), [&] { return loss_of<float>(*model, batch, whole(batch), 0.1); });
    EXPECT_EQ(places.back(), 0u) << name_of(config);
    EXPECT_LT(places[places.size() * 3 / 4], model->parameters().size()) << name_of(config) << ": of the decoder";
  }
}

}  // namespace
}  // namespace qkv
