#include "qkv/translation/model_size.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <stdexcept>
#include <vector>

#include "qkv/translation/available_memory.h"
#include "qkv/translation/model_factory.h"

namespace qkv {
namespace {

double linear(double in, double out) { return in * out + out; }

ModelSize size_of_transformer(const TrainingConfig& config, double source_words, double target_words) {
  const double d = config.d_model, positions = 2.0 * positions_of(config) * d, norm = 2 * d;
  const double attention = 4 * linear(d, d), feed_forward = linear(d, config.ff) + linear(config.ff, d);
  const double encoder_layer = attention + feed_forward + 2 * norm;
  const double decoder_layer = 2 * attention + feed_forward + 3 * norm;
  const bool learned = config.positions == Positions::learned;
  ModelSize size;
  size.parameters = (source_words + target_words) * d + config.layers * (encoder_layer + decoder_layer) + 2 * norm +
                    (config.tie_embeddings ? target_words : linear(d, target_words)) + (learned ? positions : 0);
  size.positions = learned ? 0 : positions;
  size.tensors = 42.0 * config.layers + 8 + (learned ? 2 : 0) - (config.tie_embeddings ? 1 : 0);
  return size;
}

ModelSize size_of_rnn(const TrainingConfig& config, double source_words, double target_words) {
  const double e = config.embedding, h = config.hidden;
  const double gates = config.cell == CellKind::gru ? 3 : config.cell == CellKind::lstm ? 4 : 1;
  const auto cell = [&](double in) { return gates * (h * in + h * h + 2 * h); };
  const bool attention = config.model == ModelKind::rnn_attention,
             additive = attention && config.score == Score::additive;
  ModelSize size;
  size.parameters = (source_words + target_words) * e + cell(e) + cell(e + h) + linear(h, target_words) +
                    (additive ? 2 * h * h + h : 0) + (attention ? linear(2 * h, h) : 0);
  size.tensors = 12 + (attention ? 2 : 0) + (additive ? 3 : 0);
  return size;
}

std::string in_gigabytes(double bytes) { return fmt::format("{:.1f} GB", bytes / 1e9); }

/// The options that would have to be smaller: those whose default would save a third.
std::vector<std::string> blamed(const TrainingConfig& config, int source_words, int target_words) {
  const double all = bytes_to_train(config, source_words, target_words);
  const TrainingConfig usual = default_settings(config.model);
  std::vector<std::string> options;
  const auto blame = [&](const char* option, int TrainingConfig::*setting) {
    TrainingConfig other = config;
    other.*setting = std::min(config.*setting, usual.*setting);
    if (bytes_to_train(other, source_words, target_words) < all * 2 / 3)
      options.push_back(fmt::format("`{}` {}", option, config.*setting));
  };
  blame("d_model", &TrainingConfig::d_model);
  blame("layers", &TrainingConfig::layers);
  blame("ff", &TrainingConfig::ff);
  blame("embedding", &TrainingConfig::embedding);
  blame("hidden", &TrainingConfig::hidden);
  blame("max_length", &TrainingConfig::max_length);
  blame("workers", &TrainingConfig::workers);
  return options;
}

}  // namespace

ModelSize size_of_model(const TrainingConfig& config, int source_words, int target_words) {
  return config.model == ModelKind::transformer ? size_of_transformer(config, source_words, target_words)
                                                : size_of_rnn(config, source_words, target_words);
}

double bytes_to_train(const TrainingConfig& config, int source_words, int target_words) {
  constexpr double bytes_of_a_name = 500;  // with the layer that has it
  const ModelSize size = size_of_model(config, source_words, target_words);
  return sizeof(float) * (size.parameters * (3.0 + config.workers) + size.positions) + bytes_of_a_name * size.tensors;
}

std::string memory_advice(const TrainingConfig& config, int source_words, int target_words) {
  const std::vector<std::string> options = blamed(config, source_words, target_words);
  return fmt::format(
      "the model's {:.0f} parameters with their gradients and moments need {}, and each batch more; {}",
      size_of_model(config, source_words, target_words).parameters,
      in_gigabytes(bytes_to_train(config, source_words, target_words)),
      options.empty()
          ? fmt::format("the vocabularies have {} and {} words, of which a larger `min_frequency` leaves out "
                        "the rare ones, and `batch_size` is {}",
                        source_words, target_words, config.batch_size)
          : fmt::format("what makes it so large is {}", fmt::join(options, " and ")));
}

void check_memory(const TrainingConfig& config, int source_words, int target_words) {
  const double available = available_bytes();
  if (bytes_to_train(config, source_words, target_words) > available)
    throw std::runtime_error(fmt::format("there is not enough memory: this process can have {}, but {}",
                                         in_gigabytes(available), memory_advice(config, source_words, target_words)));
}

}  // namespace qkv
