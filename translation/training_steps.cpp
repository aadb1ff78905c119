#include "qkv/translation/training_steps.h"

#include <fmt/format.h>
#include <utility>

#include "qkv/translation/batch_loss.h"

namespace qkv {

std::string described_batches(const TrainingConfig& config) {
  const std::string size =
      config.batch_words > 0 ? fmt::format("{} words", config.batch_words) : fmt::to_string(config.batch_size);
  return config.accumulate == 1 ? size : fmt::format("{}, {} a step", size, config.accumulate);
}

namespace {

Batches batches_of(EncodedPairs pairs, const TrainingConfig& config) {
  if (config.batch_words > 0)
    return {std::move(pairs), WordsPerBatch{config.batch_words}, config.shuffle ? Order::shuffled : Order::consecutive,
            config.seed};
  return {std::move(pairs), config.batch_size, config.shuffle ? Order::shuffled : Order::cyclic, config.seed};
}

}  // namespace

TrainingSteps::TrainingSteps(Seq2Seq<float>& model, EncodedPairs pairs, const TrainingConfig& config, Ranks& ranks)
    : model_(model),
      config_(config),
      batches_(batches_of(std::move(pairs), config)),
      filled_(config.accumulate),
      learner_(model.parameters(),
               {.workers = config.workers, .seed = config.seed, .ranks = &ranks, .batches_a_step = config.accumulate}),
      optimiser_(make_optimiser(config.optimizer, model.parameters(), config.adam)) {
  for (Batch& batch : filled_) batches_.reserve(batch);
}

std::int64_t TrainingSteps::steps_in(std::uint64_t epochs) const {
  return static_cast<std::int64_t>((batches_.count_before(epochs) + filled_.size() - 1) / filled_.size());
}

std::uint64_t TrainingSteps::epochs_in(std::int64_t steps) const {
  const std::uint64_t most = (std::uint64_t{1} << 62) / batches_.pairs().size();
  std::uint64_t enough = 1, too_few = 0;
  while (enough < most && steps_in(enough) < steps) too_few = std::exchange(enough, 2 * enough);
  while (enough - too_few > 1) {
    const std::uint64_t middle = too_few + (enough - too_few) / 2;
    (steps_in(middle) < steps ? too_few : enough) = middle;
  }
  return enough;
}

void TrainingSteps::go_on(std::int64_t steps) {
  schedule_ = schedule_of(steps);
  learner_.set_batches(static_cast<std::int64_t>(batches_in(made())));
}

std::int64_t TrainingSteps::asked_by(const TrainingConfig& config) const {
  return config.steps ? *config.steps : steps_in(static_cast<std::uint64_t>(config.epochs));
}

std::string TrainingSteps::going_on(std::int64_t before, std::int64_t steps) const {
  const std::int64_t next = made() + 1;
  if (made() >= steps) return fmt::format("already at step {}; there is nothing to train up to step {}", made(), steps);
  if (before == steps || schedule_of(before)(next) == schedule_of(steps)(next)) return "";
  return fmt::format(
      "the {} schedule now ends at step {} instead of {}, so the learning rate goes on at {:.3g} instead of {:.3g}",
      name_of(config_.schedule), steps, before, schedule_of(steps)(next), schedule_of(before)(next));
}

bool TrainingSteps::end_at(Position position) const {
  const std::uint64_t most_epochs = (std::uint64_t{1} << 62) / batches_.pairs().size();
  if (position.epoch > most_epochs || position.batch >= batches_.count(position.epoch)) return false;
  const std::uint64_t batches = batches_.count_before(position.epoch) + position.batch;
  return batches % filled_.size() == 0 && batches / filled_.size() == static_cast<std::uint64_t>(made());
}

TrainingSteps::Step TrainingSteps::make(Position& position) {
  Step step;
  Position next = position;
  for (Batch& batch : filled_) {
    batches_.fill(next, batch);
    step.target_tokens += batch.target_tokens;
    next = batches_.next(next);
  }
  for (const Batch& batch : filled_)
    step.loss += learner_.differentiate_sum(
        batch.size,
        [&](const Shard& shard) {
          return loss_of<float>(model_, batch, shard, config_.label_smoothing, step.target_tokens);
        },
        &batch == &filled_.front() ? Gradients::anew : Gradients::added);
  step.gradient_norm = learner_.norm();
  step.learning_rate = schedule_(made() + 1);
  if (config_.clip > 0) learner_.clip(config_.clip);
  optimiser_->step(learner_.gradient(), step.learning_rate);
  position = next;
  return step;
}

}  // namespace qkv
