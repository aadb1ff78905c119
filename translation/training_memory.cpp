#include "qkv/translation/training_memory.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <stdexcept>
#include <vector>

#include "qkv/translation/available_memory.h"

namespace qkv {
namespace {

std::string in_gigabytes(double bytes) { return fmt::format("{:.1f} GB", bytes / 1e9); }

/// The settings that would have to be smaller: whole numbers whose default would save a third.
std::vector<std::string> blamed(const TrainingConfig& config, int source_vocabulary, int target_vocabulary) {
  const double all = bytes_to_train(config, source_vocabulary, target_vocabulary);
  const TrainingConfig usual = default_settings(name_of(config.model));
  std::vector<std::string> settings;
  for_each_setting(usual, [&](const std::string& name, const auto& usual_value, const auto&) {
    if constexpr (std::is_same_v<std::decay_t<decltype(usual_value)>, int>) {
      TrainingConfig other = config;
      int given = 0;
      for_each_setting(other, [&](const std::string& same, auto& value, const auto&) {
        if constexpr (std::is_same_v<std::decay_t<decltype(value)>, int>)
          if (same == name) value = std::min(given = value, usual_value);
      });
      if (bytes_to_train(other, source_vocabulary, target_vocabulary) < all * 2 / 3)
        settings.push_back(fmt::format("`{}` {}", name, given));
    }
  });
  return settings;
}

/// How many numbers the optimiser keeps for each parameter.
int moments_of(const TrainingConfig& config) {
  if (config.optimizer != OptimiserKind::sgd) return 2;
  return config.adam.beta1 > 0 ? 1 : 0;
}

}  // namespace

double bytes_to_train(const TrainingConfig& config, int source_vocabulary, int target_vocabulary) {
  constexpr double bytes_of_a_name = 500;  // with the layer that has it
  const ModelSize size = size_of(model_for(config, source_vocabulary, target_vocabulary));
  return sizeof(float) *
             (size.parameters * (1.0 + moments_of(config) + config.workers + (config.accumulate > 1 ? 1 : 0)) +
              size.positions) +
         bytes_of_a_name * size.tensors;
}

std::string memory_advice(const TrainingConfig& config, int source_vocabulary, int target_vocabulary) {
  const std::vector<std::string> settings = blamed(config, source_vocabulary, target_vocabulary);
  return fmt::format(
      "the model's {:.0f} parameters with their gradients and moments need {}, and each batch more; {}",
      size_of(model_for(config, source_vocabulary, target_vocabulary)).parameters,
      in_gigabytes(bytes_to_train(config, source_vocabulary, target_vocabulary)),
      settings.empty()
          ? fmt::format("the vocabularies have {} and {} words, of which a larger `min_frequency` leaves out "
                        "the rare ones, and {}",
                        source_vocabulary, target_vocabulary,
                        config.batch_words > 0 ? fmt::format("`batch_words` is {}", config.batch_words)
                                               : fmt::format("`batch_size` is {}", config.batch_size))
          : fmt::format("what makes it so large is {}", fmt::join(settings, " and ")));
}

void check_memory(const TrainingConfig& config, int source_vocabulary, int target_vocabulary) {
  const double available = available_bytes();
  if (bytes_to_train(config, source_vocabulary, target_vocabulary) > available)
    throw std::runtime_error(fmt::format("there is not enough memory: this process can have {}, but {}",
                                         in_gigabytes(available),
                                         memory_advice(config, source_vocabulary, target_vocabulary)));
}

}  // namespace qkv
