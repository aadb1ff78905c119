#include "qkv/translation/tensor_settings.h"

#include <fmt/format.h>

namespace qkv {
namespace {

bool has(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

/// A setting as config.json has it, such as `d_model 64`.
std::string with_value(const TrainingConfig& config, const std::string& key) {
  const nlohmann::ordered_json json = to_json(config);
  return fmt::format("{} {}", key, json.at(key).is_string() ? json.at(key).get<std::string>() : json.at(key).dump());
}

}  // namespace

std::string setting_behind(const TrainingConfig& config, const std::string& parameter) {
  if (has(parameter, ".layers.") && !has(parameter, ".layers.0.")) return with_value(config, "layers");
  if (has(parameter, "_positions.")) return with_value(config, "positions");
  if (has(parameter, ".score.")) return with_value(config, "score");
  if (parameter == "generator.weight") return with_value(config, "tie_embeddings");
  return with_value(config, "model");
}

std::string settings_behind(const TrainingConfig& config, const std::string& parameter, int dimension) {
  const bool first = dimension == 0, is_table = has(parameter, "_embedding.");
  if (first && parameter.starts_with("source_embedding.")) return "the lines of source.vocab";
  if (first && (is_table || parameter.starts_with("generator."))) return "the lines of target.vocab";
  if (config.model == ModelKind::transformer) {
    if (first && has(parameter, "_positions.")) return with_value(config, "max_length");
    if (has(parameter, "feed_forward.inner.") ? first : !first && has(parameter, "feed_forward.outer."))
      return with_value(config, "ff");
    return with_value(config, "d_model");
  }
  if (is_table || (!first && has(parameter, "encoder.rnn.weight_ih"))) return with_value(config, "embedding");
  if (!first && has(parameter, "weight_ih"))
    return fmt::format("{} and {}", with_value(config, "embedding"), with_value(config, "hidden"));
  if (first && (has(parameter, "_ih") || has(parameter, "_hh")))
    return fmt::format("{} and {}", with_value(config, "hidden"), with_value(config, "cell"));
  return with_value(config, "hidden");
}

}  // namespace qkv
