#include "qkv/translation/final_losses.h"

#include <gtest/gtest.h>

#include "qkv/translation/saved_model.h"
#include "tests/files/temporary_folder.h"
#include "tests/translation/toy_runs.h"

namespace qkv {
namespace {

TEST(FinalLosses, TakeSentencesFromAllOverTheTrainingData) {
  std::vector<Pair> pairs;
  for (int i = 0; i < 100; ++i) pairs.push_back({{std::to_string(i)}, {"b"}, {}});
  pairs[0].source.assign(9, "long");
  pairs[1].target.assign(9, "long");
  const std::vector<Pair> some = spread(pairs, 4, 8);
  ASSERT_EQ(some.size(), 4u);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(some[i].source[0], pairs[2 + i * 98 / 4].source[0]);
  EXPECT_EQ(spread(pairs, 1000, 8).size(), 98u) << "all there are, but those that training leaves out";
  EXPECT_EQ(spread(pairs, 1000, 9).size(), 100u);
}

TEST(FinalLosses, AreThoseOfTheModelThatIsKept) {
  const TemporaryFolder temporary;
  const RunFolder folder{temporary / "run"};
  TrainingConfig config = thirty_steps();
  config.lr = 0.02;
  double best_loss = -1;
  TrainingObserver observer;
  observer.on_validation = [&](const TrainingObserver::Validation& v) {
    if (v.is_best) best_loss = v.evaluation.loss;
  };
  const std::atomic<bool> stop = false;
  const TrainingResult result = train(config, toy_data(), folder, RunStart::anew, observer, stop);
  ASSERT_TRUE(result.losses.has_value());
  EXPECT_EQ(result.losses->validation, best_loss);
  Team team(2);
  const TrainedModel kept = load_run(folder.path.string());
  const std::vector<Pair> learnt = spread(toy_data().train, toy_data().valid.size(), config.max_length);
  EXPECT_NEAR(result.losses->training, evaluate(*kept.model, kept.source, kept.target, learnt, team).loss, 1e-9)
      << "without dropout";
  TrainingData data = toy_data();
  data.valid.clear();
  EXPECT_FALSE(train_to_the_end(config, data, {temporary / "not validated"}).losses.has_value());
}

}  // namespace
}  // namespace qkv
