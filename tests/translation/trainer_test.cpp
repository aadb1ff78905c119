#include "qkv/translation/trainer.h"

#include <ctime>
#include <gtest/gtest.h>
#include <map>
#include <nlohmann/json.hpp>

#include "qkv/datasets/csv.h"
#include "qkv/files/safetensors.h"
#include "qkv/translation/saved_model.h"
#include "tests/autograd/numbers.h"
#include "tests/files/temporary_folder.h"
#include "tests/translation/toy_runs.h"

namespace qkv {
namespace {

namespace fs = std::filesystem;

TEST(Trainer, WritesTheRunFolder) {
  const TemporaryFolder temporary;
  const RunFolder folder{temporary / "run"};
  std::vector<std::int64_t> validated;
  std::int64_t steps = 0;
  TrainingObserver observer;
  observer.on_step = [&](const TrainingObserver::Step& step) {
    EXPECT_EQ(step.step, ++steps);
    EXPECT_EQ(step.steps, 30);
    EXPECT_EQ(step.epoch, static_cast<std::uint64_t>((steps - 1) / 5));
    EXPECT_EQ(step.epochs, 6u);
    if (steps % 5 == 1 && steps > 1) {  // whatever the checkpoint knows is in the log, even if the machine stops now
      EXPECT_NE(read_file(folder.metrics()).find(fmt::format("{{\"step\":{},\"valid_loss\"", steps - 1)),
                std::string::npos);
    }
  };
  observer.on_validation = [&](const TrainingObserver::Validation& v) {
    validated.push_back(v.step);
    EXPECT_EQ(v.epoch, static_cast<std::uint64_t>(v.step / 5 - 1)) << "the one that has just ended";
    EXPECT_EQ(v.epochs, 6u);
    EXPECT_EQ(v.sample.source, toy_data().valid.front().source);
    EXPECT_EQ(v.sample.target, toy_data().valid.front().target);
  };
  const std::atomic<bool> stop = false;
  const TrainingResult result = train(thirty_steps(), toy_data(), folder, RunStart::anew, observer, stop);
  EXPECT_EQ(result.steps, 30);
  EXPECT_FALSE(result.interrupted);
  ASSERT_EQ(result.tests.size(), 1u);
  EXPECT_EQ(result.tests[0].first, "test");
  EXPECT_EQ(result.tests[0].second.translations.size(), 9u);
  EXPECT_EQ(validated, (std::vector<std::int64_t>{5, 10, 15, 20, 25, 30}));

  std::istringstream lines(read_file(folder.metrics()));
  int step_lines = 0, validation_lines = 0;
  double first_loss = 0, last_loss = 0;
  for (std::string line; std::getline(lines, line);) {
    const auto json = nlohmann::json::parse(line);
    if (json.contains("valid_loss")) {
      EXPECT_EQ(json["step"], 5 * ++validation_lines);
      EXPECT_TRUE(json.contains("valid_bleu") && json.contains("valid_exact"));
      continue;
    }
    EXPECT_EQ(json["step"], ++step_lines);
    for (const char* key : {"epoch", "loss", "lr", "gradient_norm", "tokens_per_second"})
      EXPECT_TRUE(json.contains(key)) << key;
    if (step_lines == 1) first_loss = json["loss"];
    last_loss = json["loss"];
  }
  EXPECT_EQ(step_lines, 30);
  EXPECT_EQ(validation_lines, 6);
  EXPECT_LT(last_loss, first_loss);
  const auto test = nlohmann::json::parse(read_file(folder.test()));
  EXPECT_EQ(test["test"]["sentences"], 9);
  EXPECT_TRUE(load_run(folder.path.string()).alignment.has_value());
}

void expect_the_best_model_is_kept(Keep keep) {
  const TemporaryFolder temporary;
  const RunFolder folder{temporary / "run"};
  TrainingConfig config = thirty_steps();
  config.lr = 0.02;
  config.keep = keep;
  double best_bleu = -1, best_loss = INFINITY;
  int best = 0;
  TrainingObserver observer;
  observer.on_validation = [&](const TrainingObserver::Validation& v) {
    const double bleu = v.evaluation.scores.bleu;
    const double loss = v.evaluation.loss;
    EXPECT_EQ(v.is_best, keep == Keep::bleu ? bleu > best_bleu || (bleu == best_bleu && loss < best_loss)
                                            : loss < best_loss || (loss == best_loss && bleu > best_bleu));
    if (v.is_best) {
      best_bleu = bleu;
      best_loss = v.evaluation.loss;
    }
    best += v.is_best ? 1 : 0;
  };
  const std::atomic<bool> stop = false;
  const TrainingResult result = train(config, toy_data(), folder, RunStart::anew, observer, stop);
  EXPECT_GT(best, 0);
  Team team(1);
  const TrainedModel kept = load_run(folder.path.string());
  const Evaluation again = evaluate(*kept.model, kept.source, kept.target, toy_data().valid, team);
  EXPECT_EQ(again.scores.bleu, best_bleu);
  EXPECT_EQ(again.loss, best_loss);
  const Evaluation tested = evaluate(*kept.model, kept.source, kept.target, toy_data().tests[0].pairs, team);
  EXPECT_EQ(result.tests[0].second.loss, tested.loss);
}

TEST(Trainer, KeepsTheModelWithTheBestScoreOnTheValidationSet) {
  expect_the_best_model_is_kept(Keep::bleu);
  expect_the_best_model_is_kept(Keep::loss);
}

TEST(Trainer, AScoreOutranksTheOtherOne) {
  const auto is_better = [](Keep keep, double bleu, double loss) {
    return BestSoFar{.bleu = 10, .loss = 2, .keep = keep}.note(bleu, loss);
  };
  EXPECT_TRUE(is_better(Keep::bleu, 11, 3) && !is_better(Keep::loss, 11, 3));
  EXPECT_TRUE(!is_better(Keep::bleu, 9, 1) && is_better(Keep::loss, 9, 1));
  EXPECT_TRUE(is_better(Keep::bleu, 10, 1) && is_better(Keep::loss, 11, 2));
  EXPECT_FALSE(is_better(Keep::bleu, 10, 2) || is_better(Keep::loss, 10, 2));
}

TEST(Trainer, KeepsTheLastModelWithoutAValidationSet) {
  const TemporaryFolder temporary;
  const RunFolder folder{temporary / "run"};
  TrainingData data = toy_data();
  data.valid.clear();
  data.tests.clear();
  TrainingConfig config = thirty_steps();
  config.steps = 12;  // in the middle of an epoch
  std::vector<std::string> messages;
  TrainingObserver observer;
  observer.on_message = [&](const std::string& message) { messages.push_back(message); };
  const std::atomic<bool> stop = false;
  const TrainingResult result = train(config, data, folder, RunStart::anew, observer, stop);
  EXPECT_TRUE(result.tests.empty());
  EXPECT_FALSE(fs::exists(folder.test()));
  EXPECT_EQ(messages, (std::vector<std::string>{"there is no validation set, so the last model is kept"}));
  const SafetensorsFile last = SafetensorsFile::read(folder.checkpoint()), kept = SafetensorsFile::read(folder.model());
  for (const StoredTensor& tensor : kept.tensors())
    EXPECT_TRUE(tensor.bytes == last.tensor(tensor.name).bytes) << tensor.name;
  config.patience = 2;
  EXPECT_EQ(complaint([&] { train_to_the_end(config, data, {temporary / "patient"}); }),
            "`patience` needs a validation set; give `valid`");
  EXPECT_FALSE(fs::exists(temporary / "patient"));
  config.patience = 0;
  config.keep = Keep::loss;
  EXPECT_EQ(complaint([&] { train_to_the_end(config, data, {temporary / "kept"}); }),
            "`keep` loss needs a validation set; give `valid`");
}

TEST(Trainer, LosesPatience) {
  const TemporaryFolder temporary;
  const RunFolder folder{temporary / "run"};
  TrainingConfig config = thirty_steps();
  config.steps = 200;
  config.lr = 1e-12;  // nothing improves
  config.validate_every = 3;
  config.patience = 2;
  std::vector<std::int64_t> validated;
  TrainingObserver observer;
  observer.on_validation = [&](const TrainingObserver::Validation& v) { validated.push_back(v.step); };
  const std::atomic<bool> stop = false;
  const TrainingResult result = train(config, toy_data(), folder, RunStart::anew, observer, stop);
  EXPECT_FALSE(result.interrupted);
  EXPECT_EQ(result.tests.size(), 1u);
  ASSERT_GE(validated.size(), 3u);
  EXPECT_EQ(result.steps, validated.back());
  EXPECT_LT(result.steps, 200);
  // Resumed, it is as much out of patience as it was; with more patience it goes on.
  const std::string checkpoint = read_file(folder.checkpoint());
  EXPECT_EQ(train_to_the_end(config, toy_data(), folder, RunStart::resume).steps, result.steps);
  EXPECT_TRUE(read_file(folder.checkpoint()) == checkpoint);
  config.patience = 3;
  EXPECT_GT(train_to_the_end(config, toy_data(), folder, RunStart::resume).steps, result.steps);
}

TEST(Trainer, OverwritesOnlyWhenAllIsKnownToBeGood) {
  const TemporaryFolder temporary;
  const RunFolder folder{temporary / "run"};
  TrainingConfig config = thirty_steps();
  config.steps = 5;
  train_to_the_end(config, toy_data(), folder);
  const std::string model = read_file(folder.model());
  EXPECT_THROW(train_to_the_end(config, toy_data(), folder), std::runtime_error);
  TrainingData long_data = toy_data();
  std::erase_if(long_data.train, [](const Pair& pair) { return pair.source.size() < 4; });
  config.max_length = 3;
  EXPECT_EQ(complaint([&] { train_to_the_end(config, long_data, folder, RunStart::overwrite); }).find("all "), 0u);
  config = thirty_steps();
  transformer_of(config).heads = 3;
  EXPECT_THROW(train_to_the_end(config, toy_data(), folder, RunStart::overwrite), std::invalid_argument);
  EXPECT_TRUE(read_file(folder.model()) == model);
  config = thirty_steps();
  config.steps = 4;
  config.seed = 2;
  train_to_the_end(config, toy_data(), folder, RunStart::overwrite);
  EXPECT_FALSE(read_file(folder.model()) == model);
  EXPECT_EQ(metrics_of(folder).find("{\"step\":5,"), std::string::npos);
}

TEST(Trainer, LeavesLongPairsOutAndSaysSo) {
  const TemporaryFolder temporary;
  TrainingConfig config = thirty_steps();
  config.steps = 1;
  config.warmup = 0;
  config.max_length = 4;
  const TrainingData data = toy_data();
  const auto too_long = std::ranges::count_if(data.train, [](const Pair& pair) { return pair.source.size() > 4; });
  std::vector<std::string> messages;
  TrainingObserver observer;
  observer.on_message = [&](const std::string& message) { messages.push_back(message); };
  const std::atomic<bool> stop = false;
  train(config, data, {temporary / "run"}, RunStart::anew, observer, stop);
  EXPECT_EQ(messages, (std::vector<std::string>{
                          fmt::format("{} of 40 training pairs are longer than 4 words and are left out", too_long)}));
}

TEST(Trainer, NamesASentenceThatIsTooLongForTheModelBeforeAnythingIsWritten) {
  const TemporaryFolder temporary;
  const RunFolder folder{temporary / "run"};
  const auto refused = [&](const TrainingData& data) {
    const std::string message = message_of<std::runtime_error>([&] { train_to_the_end(thirty_steps(), data, folder); });
    EXPECT_FALSE(fs::exists(folder.path));
    return message;
  };
  TrainingData data = toy_data();
  data.valid[6].source.assign(1024, "a");  // with <eos> one more than there are positions
  EXPECT_EQ(refused(data),
            "valid.csv:8: the source has 1024 words, but this model has positions for 1023; take the pair "
            "out, or train a model with a larger `max_length`");
  data = toy_data();
  data.tests[0].pairs[0].target.assign(1025, "A");
  EXPECT_EQ(refused(data).find("test.csv:2: the target has 1025 words"), 0u);
  data.tests[0].pairs[0].target.assign(1023, "A");
  data.tests[0].pairs[0].source.assign(1023, "a");
  EXPECT_NO_THROW(train_to_the_end(thirty_steps(), data, folder));
}

TEST(TrainingData, IsReadFromAFolderOrFromFiles) {
  const TemporaryFolder folder;
  for (const char* name : {"train", "valid", "composition"})
    write_pairs(folder / (std::string(name) + ".csv"), toy_pairs(3, 1));
  TrainingConfig config;
  config.data = folder.path();
  TrainingData data = read_training_data(config);
  EXPECT_EQ(data.train.size(), 3u);
  EXPECT_EQ(data.valid.size(), 3u);
  ASSERT_EQ(data.tests.size(), 1u);
  EXPECT_EQ(data.tests[0].name, "composition");
  config.valid = folder / "valid.csv";
  EXPECT_NE(complaint([&] { read_training_data(config); }), "");
  config.data.clear();
  EXPECT_EQ(complaint([&] { read_training_data(config); }),
            "there is nothing to train on; give `data` DIR or `train` F.csv");
  config.train = folder / "train.csv";
  data = read_training_data(config);
  EXPECT_EQ(data.valid.size(), 3u);
  EXPECT_TRUE(data.tests.empty());
  config.test = folder / "composition.csv";
  EXPECT_EQ(read_training_data(config).tests.at(0).name, "test");
}

TEST(Trainer, TakesTheOptimiserThatIsChosen) {
  const TemporaryFolder temporary;
  std::map<std::string, std::string> models;
  const auto train_with = [&](OptimiserKind kind, double weight_decay) {
    TrainingConfig config = thirty_steps();
    config.optimizer = kind;
    config.adam.weight_decay = weight_decay;
    const RunFolder folder{temporary / fmt::format("{} {}", name_of(kind), weight_decay)};
    std::vector<std::string> messages;
    TrainingObserver observer;
    observer.on_message = [&](const std::string& message) { messages.push_back(message); };
    const std::atomic<bool> stop = false;
    train(config, toy_data(), folder, RunStart::anew, observer, stop);
    models[folder.path.filename()] = read_file(folder.model());
    EXPECT_EQ(nlohmann::json::parse(read_file(folder.config()))["optimizer"], name_of(kind));
    return messages;
  };
  EXPECT_TRUE(train_with(OptimiserKind::adam, 0).empty());
  EXPECT_EQ(train_with(OptimiserKind::adamw, 0),
            std::vector<std::string>{"with a `weight_decay` of 0, adamw does what adam does"});
  EXPECT_TRUE(models["adam 0"] == models["adamw 0"]);
  for (const OptimiserKind kind : {OptimiserKind::adam, OptimiserKind::adamw, OptimiserKind::sgd})
    EXPECT_TRUE(train_with(kind, 0.1).empty());
  EXPECT_FALSE(models["adam 0"] == models["adam 0.1"] || models["adam 0.1"] == models["adamw 0.1"] ||
               models["adamw 0.1"] == models["sgd 0.1"]);
}

TEST(Trainer, CountsTheStepsOfAnyNumberOfEpochsAtOnce) {
  for (const bool shuffle : {true, false}) {
    TrainingConfig config = thirty_steps();
    config.shuffle = shuffle;
    config.epochs = 1'000'000'000;
    config.batch_size = 9;
    const TemporaryFolder temporary;
    StopFlag stop = false;
    std::int64_t steps = 0;
    TrainingObserver observer;
    observer.on_step = [&](const TrainingObserver::Step& step) {
      steps = step.steps;
      stop = true;
    };
    const std::clock_t start = std::clock();
    train(config, toy_data(), {temporary / "run"}, RunStart::anew, observer, stop);
    EXPECT_LT(std::clock() - start, 2 * CLOCKS_PER_SEC);  // one by one, a thousand million epochs take longer
    // Five batches an epoch; in file order, batches go on from one epoch into the next.
    EXPECT_EQ(steps, shuffle ? 5 * std::int64_t{config.epochs} : (40 * std::int64_t{config.epochs} + 8) / 9);
  }
}

TEST(Trainer, NamesTheSettingThatNeedsMoreMemoryThanThereIs) {
  TrainingConfig config = thirty_steps();
  transformer_of(config).d_model = 1'000'000;
  const TemporaryFolder temporary;
  const std::string message =
      message_of<std::runtime_error>([&] { train_to_the_end(config, toy_data(), {temporary / "run"}); });
  EXPECT_NE(message.find("there is not enough memory"), std::string::npos) << message;
  EXPECT_NE(message.find("`d_model` 1000000"), std::string::npos) << message;
  EXPECT_FALSE(std::filesystem::exists(temporary / "run"));
}

}  // namespace
}  // namespace qkv
