#include "qkv/translation/fit_to_data.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <variant>

namespace qkv {
namespace {

constexpr std::int64_t enough_steps = 4000, most_validations = 20;
constexpr std::int64_t small_set = 10'000;  // pairs
constexpr double sgd_rate = 0.05;

std::int64_t divided_up(std::int64_t all, std::int64_t part) { return (all + part - 1) / part; }

/// What there is to learn from: how many pairs are within `max_length`, and the sum of their longer sides with `<eos>`.
struct Extent {
  std::int64_t pairs = 0, tokens = 0;
};

Extent extent_of(const std::vector<Pair>& pairs, int max_length) {
  Extent extent;
  for (const Pair& pair : pairs) {
    const auto longer_side = static_cast<std::int64_t>(std::max(pair.source.size(), pair.target.size()));
    if (longer_side > max_length) continue;
    ++extent.pairs;
    extent.tokens += longer_side + 1;
  }
  return extent;
}

/// About how many sentences a batch has.
std::int64_t sentences_in_batch(const TrainingConfig& config, const Extent& data) {
  if (config.batch_words == 0) return config.batch_size;
  return std::max<std::int64_t>(1, config.batch_words * data.pairs / std::max<std::int64_t>(data.tokens, 1));
}

}  // namespace

void fit_to_data(TrainingConfig& config, const std::vector<std::string>& given, const std::vector<Pair>& pairs) {
  const auto is_chosen_here = [&](const char* setting) {
    return std::find(given.begin(), given.end(), setting) == given.end();
  };
  const Extent data = extent_of(pairs, config.max_length);
  std::visit(
      [&]<class Model>(Model& model) {
        if (data.pairs >= small_set) return;
        if (is_chosen_here("dropout")) model.dropout = Model::small_set_dropout;
        if (is_chosen_here("lr")) config.lr = Model::small_set_rate;
      },
      config.model);
  if (config.optimizer == OptimiserKind::sgd && is_chosen_here("lr")) config.lr = sgd_rate;
  if (is_chosen_here("batch_size") && config.batch_words == 0)
    config.batch_size =
        static_cast<int>(std::clamp<std::uint64_t>(std::bit_floor(static_cast<std::uint64_t>(data.pairs) / 16), 8, 64));
  const std::int64_t sentences_in_step = config.accumulate * sentences_in_batch(config, data);
  const std::int64_t steps_in_epoch = divided_up(std::max<std::int64_t>(data.pairs, 1), sentences_in_step);
  if (is_chosen_here("epochs"))
    config.epochs = static_cast<int>(std::max<std::int64_t>(16, divided_up(enough_steps, steps_in_epoch)));
  // An initial model, of 0 steps, may be gone on with for as long as training takes.
  const std::int64_t steps = config.steps.value_or(0) > 0 ? *config.steps : config.epochs * steps_in_epoch;
  if (is_chosen_here("warmup")) config.warmup = std::min<std::int64_t>(400, steps / 10);
  if (is_chosen_here("validate_every"))
    config.validate_every = steps > most_validations * steps_in_epoch ? divided_up(steps, most_validations) : 0;
}

}  // namespace qkv
