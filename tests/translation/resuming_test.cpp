#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "qkv/files/safetensors.h"
#include "qkv/train/adam.h"
#include "qkv/translation/saved_model.h"
#include "tests/files/temporary_folder.h"
#include "tests/translation/toy_runs.h"

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
      EXPECT_TRUE(stopped.interrupted) << "after the last step there are a validation and a test";
      EXPECT_EQ(stopped.steps, stop_at);
      EXPECT_TRUE(fs::exists(parts.model()));
      EXPECT_FALSE(fs::exists(parts.test()));
      if (stop_at == 5) train_until(17, config, toy_data(), parts, RunStart::resume);  // stopped a second time
      const TrainingResult result = train_to_the_end(config, toy_data(), parts, RunStart::resume);
      EXPECT_FALSE(result.interrupted);
      EXPECT_EQ(result.steps, 30);
      expect_same_run(parts, whole);
    }
  }
}

/// How many validations the log of a run holds.
std::size_t validations_in(const RunFolder& folder) {
  const std::string log = metrics_of(folder);
  std::size_t count = 0;
  for (std::size_t at = log.find("valid_loss"); at != std::string::npos; at = log.find("valid_loss", at + 1)) ++count;
  return count;
}

TEST(Resuming, RepeatsAValidationThatWasStopped) {
  const TemporaryFolder temporary;
  const RunFolder whole{temporary / "whole"}, parts{temporary / "parts"};
  train_to_the_end(thirty_steps(), toy_data(), whole);
  // Step 5 ends an epoch: the flag is set when its validation begins, which is left before its first word.
  EXPECT_TRUE(train_until(5, thirty_steps(), toy_data(), parts, RunStart::anew).interrupted);
  EXPECT_EQ(validations_in(parts), 0u);
  EXPECT_TRUE(train_until(10, thirty_steps(), toy_data(), parts, RunStart::resume).interrupted);
  EXPECT_EQ(validations_in(parts), 1u);
  train_to_the_end(thirty_steps(), toy_data(), parts, RunStart::resume);
  expect_same_run(parts, whole);
}

TEST(Resuming, RepeatsTestsThatWereStopped) {
  const TemporaryFolder temporary;
  const RunFolder whole{temporary / "whole"}, parts{temporary / "parts"};
  train_to_the_end(thirty_steps(), toy_data(), whole);
  StopFlag stop = false;
  TrainingObserver observer;
  observer.on_validation = [&](const TrainingObserver::Validation& v) { stop = v.step == 30; };
  const TrainingResult stopped = train(thirty_steps(), toy_data(), parts, RunStart::anew, observer, stop);
  EXPECT_TRUE(stopped.interrupted);
  EXPECT_TRUE(stopped.tests.empty());
  EXPECT_FALSE(fs::exists(parts.test()));
  EXPECT_EQ(validations_in(parts), 6u);
  EXPECT_FALSE(train_to_the_end(thirty_steps(), toy_data(), parts, RunStart::resume).interrupted);
  expect_same_run(parts, whole);
}

TEST(Resuming, ScoresOfAnotherModelAreNotKept) {
  const TemporaryFolder temporary;
  const RunFolder folder{temporary / "run"};
  TrainingConfig config = thirty_steps();
  config.keep = Keep::loss;  // which becomes better soon
  config.epochs = 1;
  train_to_the_end(config, toy_data(), folder);
  ASSERT_TRUE(fs::exists(folder.test()));
  const std::string model = read_file(folder.model());
  config.epochs = 20;
  StopFlag stop = false;
  TrainingObserver observer;
  observer.on_validation = [&](const TrainingObserver::Validation& v) { stop = v.is_best; };
  ASSERT_TRUE(train(config, toy_data(), folder, RunStart::resume, observer, stop).interrupted);
  ASSERT_TRUE(read_file(folder.model()) != model);
  EXPECT_FALSE(fs::exists(folder.test())) << "these are the scores of the model before";
}

TEST(Resuming, OnAnotherValidationSetTheBestModelIsChosenAnew) {
  const TemporaryFolder temporary;
  const RunFolder folder{temporary / "run"};
  train_until(22, thirty_steps(), toy_data(), folder, RunStart::anew);
  TrainingData other = toy_data();
  other.valid = toy_pairs(8, 77);
  std::vector<std::string> messages;
  std::vector<TrainingObserver::Validation> validations;
  std::vector<double> losses;
  TrainingObserver observer;
  observer.on_message = [&](const std::string& message) { messages.push_back(message); };
  observer.on_validation = [&](const TrainingObserver::Validation& v) {
    if (losses.empty()) {
      EXPECT_EQ(v.step, 22) << "the model that training goes on with is the first candidate";
      EXPECT_TRUE(v.is_best) << "whatever the scores on the other sentences were";
    }
    losses.push_back(v.evaluation.loss);
  };
  const StopFlag stop = false;
  train(thirty_steps(), other, folder, RunStart::resume, observer, stop);
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_EQ(messages[0], "the validation set is not the one from before, so its best model is chosen anew");
  EXPECT_EQ(losses.size(), 3u);  // after steps 22, 25 and 30
  messages.clear();
  train(thirty_steps(), other, folder, RunStart::resume, observer, stop);
  EXPECT_EQ(messages, std::vector<std::string>{"already at step 30; there is nothing to train up to step 30"})
      << "it is the same one now";
}

TEST(Resuming, ACheckpointThatKnowsNoValidationSetGoesOnAsBefore) {  // one of version 0.1.0
  const TemporaryFolder temporary;
  const RunFolder whole{temporary / "whole"}, parts{temporary / "parts"};
  train_to_the_end(thirty_steps(), toy_data(), whole);
  train_until(7, thirty_steps(), toy_data(), parts, RunStart::anew);
  const SafetensorsFile checkpoint = SafetensorsFile::read(parts.checkpoint());
  auto metadata = checkpoint.metadata();
  EXPECT_EQ(metadata.erase("valid_hash") + metadata.erase("validation_is_due") + metadata.erase("keep"), 3u);
  write_safetensors(parts.checkpoint(), checkpoint.tensors(), metadata);
  train_to_the_end(thirty_steps(), toy_data(), parts, RunStart::resume);
  expect_same_run(parts, whole);
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

TEST(Resuming, SaysWhatAnotherLengthMeans) {
  const TemporaryFolder temporary;
  const RunFolder folder{temporary / "run"};
  TrainingConfig config = thirty_steps();
  config.epochs = 2;
  config.schedule = ScheduleKind::cosine;
  train_to_the_end(config, toy_data(), folder);
  std::vector<std::string> messages;
  TrainingObserver observer;
  observer.on_message = [&](const std::string& message) { messages.push_back(message); };
  const auto resume = [&](std::optional<std::int64_t> steps, int epochs) {
    messages.clear();
    config.steps = steps;
    config.epochs = epochs;
    const StopFlag stop = false;
    train(config, toy_data(), folder, RunStart::resume, observer, stop);
    return messages;
  };
  EXPECT_EQ(resume(4, 2), std::vector<std::string>{"already at step 10; there is nothing to train up to step 4"});
  EXPECT_EQ(resume({}, 2), std::vector<std::string>{"already at step 10; there is nothing to train up to step 10"});
  EXPECT_EQ(resume({}, 4), (std::vector<std::string>{"the cosine schedule now ends at step 20 instead of 10, so the "
                                                     "learning rate goes on at 0.00225 instead of 0"}));
  config.schedule = ScheduleKind::constant;
  EXPECT_TRUE(resume({}, 5).empty()) << "its rate does not depend on the end";
}

TEST(Resuming, KeepsThePlannedLengthWhereAShorterOneIsReached) {
  const TemporaryFolder temporary;
  const RunFolder folder{temporary / "run"};
  TrainingConfig config = thirty_steps();
  config.schedule = ScheduleKind::cosine;
  StopFlag stop = false;
  TrainingObserver stops_at_twelve;
  stops_at_twelve.on_step = [&](const TrainingObserver::Step& step) { stop = step.step == 12; };
  ASSERT_TRUE(train(config, toy_data(), folder, RunStart::anew, stops_at_twelve, stop).interrupted);
  const std::string planned = read_file(folder.config());
  TrainingConfig shorter = config;
  shorter.steps = 5;
  stop = false;
  train(shorter, toy_data(), folder, RunStart::resume, {}, stop);
  EXPECT_EQ(read_file(folder.config()), planned);
  EXPECT_EQ(train(read_settings_file(folder.config()).config, toy_data(), folder, RunStart::resume, {}, stop).steps,
            30);
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
  transformer_of(config).layers = 1000;
  const std::string message =
      message_of<std::runtime_error>([&] { train_to_the_end(config, toy_data(), folder, RunStart::resume); });
  EXPECT_EQ(message, folder.checkpoint() + ": no tensor 'encoder.layers.1.self_attention.query.weight', which " +
                         folder.config() + " asks for with layers 1000");
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
  Transformer<float> initial({.source_vocabulary = trained.source.size(),
                              .target_vocabulary = trained.target.size(),
                              .d_model = transformer_of(config).d_model,
                              .heads = transformer_of(config).heads,
                              .layers = transformer_of(config).layers,
                              .ff = transformer_of(config).ff});
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
  TrainedModel trained = load_run(folder.path.string());
  Adam<float> adam(trained.model->parameters());
  const TrainingState state = load_checkpoint(folder.checkpoint(), *trained.model, adam);
  for (float& weight : parameter(*trained.model, "encoder.layers.0.feed_forward.inner.weight")) weight = 3e38F;
  save_checkpoint(folder.checkpoint(), *trained.model, adam, state);
  const std::string checkpoint = read_file(folder.checkpoint());
  const std::string message =
      message_of<std::runtime_error>([&] { train_to_the_end(thirty_steps(), toy_data(), folder, RunStart::resume); });
  EXPECT_EQ(message.find("step 8: the loss is "), 0u) << message;
  EXPECT_NE(message.find("encoder.layers.0.feed_forward.inner"), std::string::npos) << message;
  EXPECT_NE(message.find("a smaller `lr`"), std::string::npos) << message;
  EXPECT_TRUE(read_file(folder.checkpoint()) == checkpoint);
}

TEST(Resuming, AModelThatIsNotFiniteIsNotSaved) {
  const TemporaryFolder temporary;
  const RunFolder folder{temporary / "run"};
  TrainingData data = toy_data();
  data.valid.clear();  // so that nothing looks at the model after the last step
  data.tests.clear();
  TrainingConfig config = thirty_steps();
  config.epochs = 2;
  train_until(9, config, data, folder, RunStart::anew);
  TrainedModel trained = load_run(folder.path.string());
  Adam<float> adam(trained.model->parameters());
  const TrainingState state = load_checkpoint(folder.checkpoint(), *trained.model, adam);
  adam.memory()[0].block.span()[5] = 3e38F;  // the step divides it by next to nothing
  adam.memory()[1].block.span()[5] = 0;
  save_checkpoint(folder.checkpoint(), *trained.model, adam, state);
  const std::string checkpoint = read_file(folder.checkpoint()), model = read_file(folder.model());
  const std::string message =
      message_of<std::runtime_error>([&] { train_to_the_end(config, data, folder, RunStart::resume); });
  EXPECT_NE(message.find("model.safetensors is not written, because "), std::string::npos) << message;
  EXPECT_TRUE(read_file(folder.checkpoint()) == checkpoint);
  EXPECT_TRUE(read_file(folder.model()) == model);
}

}  // namespace
}  // namespace qkv
