#include <gtest/gtest.h>

#include "tests/datasets/temporary_folder.h"
#include "tests/train/toy_runs.h"

namespace qkv {
namespace {

namespace fs = std::filesystem;

TEST(Resuming, ResumesBitForBit) {
  for (const bool shuffle : {true, false}) {
    TrainingConfig config = thirty_steps();
    config.shuffle = shuffle;
    config.batch_size = 9;  // so that the batches of file order begin elsewhere in every epoch
    config.steps = 30;
    const TemporaryFolder temporary;
    const RunFolder whole{temporary / "whole"};
    train_to_the_end(config, toy_data(), whole);
    for (const std::int64_t stop_at : {1, 5, 13, 30}) {
      const RunFolder parts{temporary / fmt::format("stopped at {}", stop_at)};
      const TrainingResult stopped = train_until(stop_at, config, toy_data(), parts, RunStart::anew);
      EXPECT_EQ(stopped.interrupted, stop_at < 30);
      EXPECT_EQ(stopped.steps, stop_at);
      EXPECT_TRUE(fs::exists(parts.model()));
      EXPECT_EQ(fs::exists(parts.test()), stop_at == 30);
      if (stop_at == 5) train_until(17, config, toy_data(), parts, RunStart::resume);  // stopped a second time
      const TrainingResult result = train_to_the_end(config, toy_data(), parts, RunStart::resume);
      EXPECT_FALSE(result.interrupted);
      EXPECT_EQ(result.steps, 30);
      expect_same_run(parts, whole);
    }
  }
}

TEST(Resuming, ResumesAfterACrashFromTheLastCheckpoint) {
  const TemporaryFolder temporary;
  const RunFolder whole{temporary / "whole"}, crashed{temporary / "crashed"};
  train_to_the_end(thirty_steps(), toy_data(), whole);
  struct Crash {};
  TrainingObserver observer;
  observer.on_step = [](const TrainingObserver::Step& step) {
    if (step.step == 18) throw Crash();
  };
  const std::atomic<bool> stop = false;
  EXPECT_THROW(train(thirty_steps(), toy_data(), crashed, RunStart::anew, observer, stop), Crash);
  // The crash left lines behind the checkpoint of step 15, and half of one.
  EXPECT_NE(metrics_of(crashed).find("{\"step\":18,"), std::string::npos);
  write_durably(crashed.metrics(), read_file(crashed.metrics()) + "{\"step\":19,\"epo");
  train_to_the_end(thirty_steps(), toy_data(), crashed, RunStart::resume);
  expect_same_run(crashed, whole);
}

TEST(Resuming, TrainsOnWhenMoreStepsAreAskedFor) {
  const TemporaryFolder temporary;
  const RunFolder folder{temporary / "run"}, whole{temporary / "whole"};
  TrainingConfig config = thirty_steps();
  config.schedule = ScheduleKind::constant;  // the others depend on the number of steps
  config.epochs = 2;
  train_to_the_end(config, toy_data(), folder);
  config.epochs = 6;
  EXPECT_EQ(train_to_the_end(config, toy_data(), folder, RunStart::resume).steps, 30);
  train_to_the_end(config, toy_data(), whole);
  expect_same_run(folder, whole);
}

TEST(Resuming, RefusesToResumeOnOtherSentences) {
  const TemporaryFolder temporary;
  const RunFolder folder{temporary / "run"};
  train_until(7, thirty_steps(), toy_data(), folder, RunStart::anew);
  const std::string checkpoint = read_file(folder.checkpoint()), config = read_file(folder.config());
  TrainingData changed = toy_data();
  std::swap(changed.train[3], changed.train[4]);
  const std::string message =
      message_of<std::runtime_error>([&] { train_to_the_end(thirty_steps(), changed, folder, RunStart::resume); });
  EXPECT_NE(message.find("was trained on other sentences"), std::string::npos) << message;
  EXPECT_TRUE(read_file(folder.checkpoint()) == checkpoint);
  EXPECT_EQ(read_file(folder.config()), config);
  TrainingData other_links = toy_data();
  for (Pair& pair : other_links.train) pair.links.clear();  // which training does not look at
  EXPECT_NO_THROW(train_to_the_end(thirty_steps(), other_links, folder, RunStart::resume));
}

TEST(Resuming, RefusesACheckpointWhoseStepAndPlaceDisagree) {
  for (const bool shuffle : {true, false}) {
    TrainingConfig config = thirty_steps();
    config.shuffle = shuffle;
    config.batch_size = 9;
    const TemporaryFolder temporary;
    const RunFolder folder{temporary / "run"};
    train_until(7, config, toy_data(), folder, RunStart::anew);
    const SafetensorsFile file = SafetensorsFile::read(folder.checkpoint());
    const auto resuming_with = [&](const std::string& key, const std::string& value) {
      auto metadata = file.metadata();
      metadata[key] = value;
      write_safetensors(folder.checkpoint(), file.tensors(), metadata);
      return message_of<std::runtime_error>([&] { train_to_the_end(config, toy_data(), folder, RunStart::resume); });
    };
    for (const auto& [key, value] : {std::pair("batch", "5"),
                                     {"batch", "0"},
                                     {"batch", "4000000000000000000"},
                                     {"epoch", "0"},
                                     {"epoch", "3"},
                                     {"epoch", "4000000000000000000"},
                                     {"step", "8"},
                                     {"step", "4000000000000000000"}}) {
      const std::string message = resuming_with(key, value);
      EXPECT_TRUE(message.starts_with(folder.checkpoint() + ": after ")) << message;
      EXPECT_NE(message.find("training does not stand at batch"), std::string::npos) << message;
    }
    write_safetensors(folder.checkpoint(), file.tensors(), file.metadata());
    EXPECT_EQ(train_to_the_end(config, toy_data(), folder, RunStart::resume).steps, shuffle ? 30 : 27);
  }
}

TEST(Resuming, ComparesTheSettingsWithTheCheckpointFirst) {
  const TemporaryFolder temporary;
  const RunFolder folder{temporary / "run"};
  train_until(7, thirty_steps(), toy_data(), folder, RunStart::anew);
  TrainingConfig config = thirty_steps();
  config.layers = 10'000'000;
  const std::string message =
      message_of<std::runtime_error>([&] { train_to_the_end(config, toy_data(), folder, RunStart::resume); });
  EXPECT_EQ(message, folder.checkpoint() + ": no tensor 'encoder.layers.1.self_attention.query.weight', which " +
                         folder.config() + " asks for with layers 10000000");
}

TEST(Resuming, ZeroStepsWriteTheInitialModel) {
  const TemporaryFolder temporary;
  const RunFolder folder{temporary / "run"};
  TrainingConfig config = thirty_steps();
  config.steps = 0;
  const TrainingResult result = train_to_the_end(config, toy_data(), folder);
  EXPECT_EQ(result.steps, 0);
  EXPECT_FALSE(result.interrupted);
  EXPECT_EQ(result.tests.size(), 1u);
  EXPECT_EQ(read_file(folder.metrics()), "");
  const TrainedModel trained = load_run(folder.path.string());
  Transformer<float> initial({.source_words = trained.source.size(),
                              .target_words = trained.target.size(),
                              .d_model = config.d_model,
                              .heads = config.heads,
                              .layers = config.layers,
                              .ff = config.ff});
  initial.parameters().initialise(config.seed);
  EXPECT_TRUE(std::ranges::equal(trained.model->parameters().values(), initial.parameters().values()));
  config.steps = 30;  // and goes on from there
  train_to_the_end(config, toy_data(), folder, RunStart::resume);
  const RunFolder whole{temporary / "whole"};
  train_to_the_end(config, toy_data(), whole);
  expect_same_run(folder, whole);
}

TEST(Resuming, KeepsTheLastCheckpointWhenTheLossIsNoLongerFinite) {
  const TemporaryFolder temporary;
  const RunFolder folder{temporary / "run"};
  train_until(7, thirty_steps(), toy_data(), folder, RunStart::anew);
  const TrainedModel trained = load_run(folder.path.string());
  TrainingStep<float> training(*trained.model, 1);
  const TrainingState state = load_checkpoint(folder.checkpoint(), *trained.model, training);
  for (float& weight : parameter(*trained.model, "encoder.layers.0.feed_forward.inner.weight")) weight = 3e38F;
  save_checkpoint(folder.checkpoint(), *trained.model, training, state);
  const std::string checkpoint = read_file(folder.checkpoint());
  const std::string message =
      message_of<std::runtime_error>([&] { train_to_the_end(thirty_steps(), toy_data(), folder, RunStart::resume); });
  EXPECT_EQ(message.find("step 8: the loss is "), 0u) << message;
  EXPECT_NE(message.find("encoder.layers.0.feed_forward.inner"), std::string::npos) << message;
  EXPECT_NE(message.find("a smaller --lr"), std::string::npos) << message;
  EXPECT_TRUE(read_file(folder.checkpoint()) == checkpoint);
}

}  // namespace
}  // namespace qkv
