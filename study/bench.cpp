#include "qkv/study/bench.h"

#include <algorithm>
#include <chrono>

#include "qkv/autograd/random.h"
#include "qkv/train/adam.h"
#include "qkv/train/learner.h"
#include "qkv/translation/batch_loss.h"
#include "qkv/translation/training_memory.h"

namespace qkv {
namespace {

Batch random_batch(const BenchConfig& config) {
  Random random(1);
  Batch batch;
  batch.size = config.batch_size;
  batch.source_width = batch.target_width = config.length;
  const auto word = [&] {
    const auto words = static_cast<std::uint64_t>(config.vocabulary - special_tokens);
    return static_cast<std::int32_t>(random.below(words)) + special_tokens;
  };
  for (int i = 0; i < config.batch_size * config.length; ++i) {
    batch.source.push_back(word());
    batch.target_input.push_back(word());
    batch.target_output.push_back(word());
  }
  batch.source_lengths.assign(static_cast<std::size_t>(config.batch_size), config.length);
  batch.target_lengths = batch.source_lengths;
  batch.target_tokens = std::int64_t{config.batch_size} * config.length;
  return batch;
}

}  // namespace

const std::vector<BenchConfig>& standard_bench_configs() {
  static const std::vector<BenchConfig> configs{
      {.name = "micro",
       .model = TransformerConfig{.d_model = 16, .heads = 1, .layers = 1, .ff = 32},
       .batch_size = 4,
       .length = 6,
       .vocabulary = 32},
      {.name = "toy"},
      {.name = "small",
       .model = TransformerConfig{.d_model = 128, .layers = 3, .ff = 512},
       .batch_size = 64,
       .length = 16,
       .vocabulary = 1000},
      {.name = "multi30k",
       .model = TransformerConfig{.d_model = 256, .layers = 3, .ff = 1024},
       .batch_size = 64,
       .length = 16,
       .vocabulary = 6000},
      {.name = "base",
       .model = TransformerConfig{.d_model = 512, .heads = 8, .layers = 6, .ff = 2048},
       .batch_size = 16,
       .length = 32,
       .vocabulary = 8000},
      {.name = "gru", .model = RnnConfig{}, .length = 12}};
  return configs;
}

BenchResult run_bench(const BenchConfig& config, int workers, double seconds) {
  using Clock = std::chrono::steady_clock;
  check(config.vocabulary > special_tokens, "`vocabulary` {} is too small; the first {} ids are special tokens",
        config.vocabulary, special_tokens);
  check(config.batch_size >= 1 && config.length >= 1, "`batch_size` {} and `length` {} must be at least 1",
        config.batch_size, config.length);
  TrainingConfig settings;
  settings.model = config.model;
  settings.workers = workers;
  check_memory(settings, config.vocabulary, config.vocabulary);
  const auto model = make_model<float>(model_for(settings, config.vocabulary, config.vocabulary));
  model->parameters().initialise(1);
  const Batch batch = random_batch(config);
  Learner<float> learner(model->parameters(), {.workers = workers, .training = false});
  Adam<float> adam(model->parameters(), {.lr = 1e-4, .beta1 = 0.9, .beta2 = 0.98});
  std::vector<double> milliseconds;
  constexpr int warm_up = 3;
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  for (int step = 1; step <= 2 * warm_up || Clock::now() < end; ++step) {
    const auto start = Clock::now();
    learner.differentiate_sum(batch.size, [&](const Shard& shard) { return loss_of(*model, batch, shard); });
    learner.clip(1);
    adam.step(learner.gradient());
    const std::chrono::duration<double, std::milli> taken = Clock::now() - start;
    if (step > warm_up) milliseconds.push_back(taken.count());
  }
  std::sort(milliseconds.begin(), milliseconds.end());
  BenchResult result;
  result.config = config.name;
  result.workers = workers;
  result.median_ms = milliseconds[milliseconds.size() / 2];
  result.min_ms = milliseconds.front();
  result.tokens_per_second = 2000.0 * config.batch_size * config.length / result.median_ms;
  result.parameters = model->parameters().count();
  result.tape_mb = static_cast<double>(learner.tape_memory()) / 1e6;
  return result;
}

}  // namespace qkv
