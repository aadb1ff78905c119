#include "qkv/translation/tensor_settings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <type_traits>

namespace qkv {
namespace {

/// A setting of the model as config.json has it, such as `d_model 64`.
std::string with_value(const ModelConfig& config, const std::string& setting) {
  std::string text;
  const auto write = [&](const char* name, const auto& value, const auto&) {
    if (name != setting) return;
    if constexpr (std::is_enum_v<std::decay_t<decltype(value)>>)
      text = fmt::format("{} {}", name, name_of(value));
    else
      text = fmt::format("{} {}", name, value);
  };
  std::visit([&](const auto& model) { model.visit(model, write); }, config);
  return text;
}

/// The model with the same choices and all sizes 1.
ModelConfig small_model(const TrainingConfig& config) {
  ModelConfig small = model_for(config, 1, 1);
  const auto shrink = [](const char*, auto& value, const auto&) {
    if constexpr (std::is_same_v<std::decay_t<decltype(value)>, int>) value = 1;
  };
  std::visit([&](auto& model) { model.visit(model, shrink); }, small);
  return small;
}

/// The shape that a parameter has in a model; none if it has no such parameter.
std::optional<Shape> shape_in(const ModelConfig& config, const std::string& parameter) {
  std::optional<Shape> found;
  make_model<float>(config, [&](const std::string& name, const Shape& shape) {
    if (name == parameter) found = shape;
  });
  return found;
}

/// The same parameter of the first of the layers that are alike.
std::string in_first_layer(const std::string& parameter) {
  constexpr std::string_view layers = ".layers.";
  const std::size_t at = parameter.find(layers);
  if (at == std::string::npos) return parameter;
  const std::size_t number = at + layers.size();
  return fmt::format("{}0{}", parameter.substr(0, number), parameter.substr(parameter.find('.', number)));
}

/// Other values of a setting: the next size, the other choices.
template <class Value>
std::vector<Value> others_than(const Value& value) {
  if constexpr (std::is_same_v<Value, int>) return {value + 1};
  if constexpr (std::is_same_v<Value, bool>) return {!value};
  std::vector<Value> others;
  if constexpr (std::is_enum_v<Value>)
    for (const auto& [other, name] : names_of(value))
      if (other != value) others.push_back(other);
  return others;
}

/// The settings, with the values that they have, whose change in the small model `changes` finds.
template <class Changes>
std::vector<std::string> settings_that(const TrainingConfig& config, const ModelConfig& small, const Changes& changes) {
  std::vector<std::string> settings;
  const auto look_at = [&]<class Model>(const Model& model) {
    model.visit(model, [&](const std::string& name, const auto& value, const auto&) {
      bool changed = false;
      for (const auto& other : others_than(value)) {
        Model altered = model;
        model.visit(altered, [&](const std::string& same, auto& altered_value, const auto&) {
          if constexpr (std::is_same_v<decltype(altered_value), std::decay_t<decltype(other)>&>)
            if (same == name) altered_value = other;
        });
        try {
          changed = changed || changes(ModelConfig(altered));
        } catch (const std::invalid_argument&) {
          continue;  // a size that does not fit another, as two heads do not fit one feature
        }
      }
      if (changed) settings.push_back(with_value(config.model, name));
    });
  };
  std::visit(look_at, small);
  return settings;
}

}  // namespace

std::string setting_behind(const TrainingConfig& config, const std::string& parameter) {
  const std::string first = in_first_layer(parameter);
  if (first != parameter) return with_value(config.model, "layers");
  const std::vector<std::string> settings = settings_that(
      config, small_model(config), [&](const ModelConfig& altered) { return !shape_in(altered, parameter); });
  return settings.empty() ? "model " + name_of(config.model) : settings.front();
}

std::string settings_behind(const TrainingConfig& config, const std::string& parameter, int dimension) {
  const std::string first = in_first_layer(parameter);
  const ModelConfig small = small_model(config);
  const std::optional<Shape> shape = shape_in(small, first);
  const auto changes = [&](const ModelConfig& altered) {
    const std::optional<Shape> other = shape_in(altered, first);
    return shape && other && other->dim(dimension) != shape->dim(dimension);
  };
  const auto changes_with = [&](int source_vocabulary, int target_vocabulary, int more_positions) {
    ModelConfig altered = small;
    std::visit(
        [&](auto& model) {
          model.source_vocabulary = source_vocabulary;
          model.target_vocabulary = target_vocabulary;
          if constexpr (requires { model.max_positions; }) model.max_positions += more_positions;
        },
        altered);
    return changes(altered);
  };
  if (changes_with(2, 1, 0)) return "the lines of source.vocab";
  if (changes_with(1, 2, 0)) return "the lines of target.vocab";
  if (changes_with(1, 1, 1)) return fmt::format("max_length {}", config.max_length);
  return fmt::format("{}", fmt::join(settings_that(config, small, changes), " and "));
}

}  // namespace qkv
