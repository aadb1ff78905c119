#include "qkv/translation/fit_to_data.h"

#include <algorithm>
#include <bit>
#include <variant>

namespace qkv {

namespace {

constexpr std::int64_t enough_steps = 4000, validations = 20, most_epochs_each_validated = 30;
constexpr std::size_t small_set = 10'000;  // pairs
constexpr double sgd_rate = 0.05;

std::int64_t divided_up(std::int64_t all, std::int64_t part) { return (all + part - 1) / part; }

/// About how many sentences a batch has.
std::int64_t sentences_in_batch(const TrainingConfig& config, const std::vector<Pair>& pairs) {
  if (config.batch_words == 0) return config.batch_size;
  std::size_t words = 0;
  for (const Pair& pair : pairs) words += std::max(pair.source.size(), pair.target.size()) + 1;
  return std::max<std::int64_t>(1, config.batch_words * static_cast<std::int64_t>(pairs.size()) /
                                       static_cast<std::int64_t>(std::max<std::size_t>(words, 1)));
}

}  // namespace

void fit_to_data(TrainingConfig& config, const std::vector<std::string>& given, const std::vector<Pair>& pairs) {
  const auto is_chosen_here = [&](const char* setting) {
    return std::find(given.begin(), given.end(), setting) == given.end();
  };
  std::visit(
      [&]<class Model>(Model& model) {
        if (pairs.size() >= small_set) return;
        if (is_chosen_here("dropout")) model.dropout = Model::small_set_dropout;
        if (is_chosen_here("lr")) config.lr = Model::small_set_rate;
      },
      config.model);
  if (config.optimizer == OptimiserKind::sgd && is_chosen_here("lr")) config.lr = sgd_rate;
  if (is_chosen_here("batch_size") && config.batch_words == 0)
    config.batch_size = static_cast<int>(std::clamp<std::size_t>(std::bit_floor(pairs.size() / 16), 8, 64));
  const std::int64_t sentences_in_step = config.accumulate * sentences_in_batch(config, pairs);
  const std::int64_t steps_in_epoch =
      divided_up(std::max<std::int64_t>(static_cast<std::int64_t>(pairs.size()), 1), sentences_in_step);
  if (is_chosen_here("epochs"))
    config.epochs = static_cast<int>(std::max<std::int64_t>(16, divided_up(enough_steps, steps_in_epoch)));
  // An initial model, of 0 steps, may be gone on with for as long as training takes.
  const std::int64_t steps = config.steps.value_or(0) > 0 ? *config.steps : config.epochs * steps_in_epoch;
  if (is_chosen_here("warmup")) config.warmup = std::min<std::int64_t>(400, steps / 10);
  if (is_chosen_here("validate_every"))
    config.validate_every = steps > most_epochs_each_validated * steps_in_epoch ? divided_up(steps, validations) : 0;
}

}  // namespace qkv
