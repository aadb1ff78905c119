#pragma once

#include <gtest/gtest.h>
#include <regex>

#include "qkv/files/durable_file.h"
#include "qkv/translation/trainer.h"
#include "tests/translation/toy_training.h"

namespace qkv {

inline TrainingData toy_data() {
  return {toy_pairs(40, 1), toy_pairs(8, 2), "valid.csv", {{"test", "test.csv", toy_pairs(9, 3)}}};
}

/// 30 steps: six epochs of five batches, each followed by a validation.
inline TrainingConfig thirty_steps() {
  TrainingConfig config = toy_config();
  config.epochs = 6;
  return config;
}

inline TrainingResult train_until(std::int64_t last, const TrainingConfig& config, const TrainingData& data,
                                  const RunFolder& folder, RunStart start) {
  std::atomic<bool> stop = false;
  TrainingObserver observer;
  observer.on_step = [&](const TrainingObserver::Step& step) { stop = step.step >= last; };
  return train(config, data, folder, start, observer, stop);
}

inline TrainingResult train_to_the_end(const TrainingConfig& config, const TrainingData& data, const RunFolder& folder,
                                       RunStart start = RunStart::anew) {
  const std::atomic<bool> stop = false;
  return train(config, data, folder, start, {}, stop);
}

/// metrics.jsonl without what depends on the clock.
inline std::string metrics_of(const RunFolder& folder) {
  return std::regex_replace(read_file(folder.metrics()), std::regex(",\"tokens_per_second\":[0-9]+"), "");
}

inline void expect_same_run(const RunFolder& got, const RunFolder& expected) {
  EXPECT_EQ(metrics_of(got), metrics_of(expected));
  for (const auto& file : {&RunFolder::checkpoint, &RunFolder::model, &RunFolder::test, &RunFolder::config,
                           &RunFolder::source_vocabulary, &RunFolder::target_vocabulary})
    EXPECT_TRUE(read_file((got.*file)()) == read_file((expected.*file)())) << (got.*file)();
}

}  // namespace qkv
