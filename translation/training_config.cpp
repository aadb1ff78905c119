#include "qkv/translation/training_config.h"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <type_traits>
#include <utility>

#include "qkv/autograd/check.h"
#include "qkv/datasets/text.h"
#include "qkv/files/durable_file.h"
#include "qkv/files/utf8.h"
#include "qkv/translation/decoding.h"
#include "qkv/translation/parse_json.h"
#include "qkv/translation/version.h"

namespace qkv {

TrainingConfig default_settings(const std::string& model) {
  std::vector<std::string> names;
  for (const ModelConfig& known : models()) {
    if (name_of(known) != model) {
      names.push_back(name_of(known));
      continue;
    }
    TrainingConfig settings;
    settings.model = known;
    settings.lr = std::visit([](const auto& chosen) { return chosen.usual_rate; }, known);
    return settings;
  }
  throw std::invalid_argument(fmt::format("there is no model {}; there are: {}", model, fmt::join(names, ", ")));
}

void check_settings(const TrainingConfig& config) {
  for_each_setting(config, [&](const char* name, const auto& value, const auto& setting) {
    if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::string>)
      check(!invalid_utf8(value), "`{}` {} is not UTF-8, so no file of settings can hold it", name, value);
    if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::optional<std::int64_t>>)
      check(!value || setting.range.contains(*value), "`{}` {} is out of range; it must be {}", name, *value,
            setting.range.text());
    else if constexpr (requires { setting.range; })
      check(setting.range.contains(value), "`{}` {} is out of range; it must be {}", name, value, setting.range.text());
  });
  std::visit([](const auto& model) { model.check_settings(); }, config.model);
}

ModelConfig model_for(const TrainingConfig& config, int source_vocabulary, int target_vocabulary) {
  ModelConfig sized = config.model;
  std::visit(
      [&](auto& model) {
        model.source_vocabulary = source_vocabulary;
        model.target_vocabulary = target_vocabulary;
        if constexpr (requires { model.max_positions; })
          model.max_positions = std::max(model.max_positions, most_words(config.max_length) + 2);
      },
      sized);
  return sized;
}

std::vector<IdleSetting> idle_settings(const TrainingConfig& config) {
  std::vector<IdleSetting> idle;
  if (config.optimizer == OptimiserKind::sgd) idle.push_back({"beta2", "`optimizer` sgd"});
  if (config.steps) idle.push_back({"epochs", fmt::format("`steps` {}", *config.steps)});
  if (config.batch_words > 0) idle.push_back({"batch_size", fmt::format("`batch_words` {}", config.batch_words)});
  return idle;
}

std::vector<std::string> models_with(const std::string& setting) {
  std::vector<std::string> names;
  for (const ModelConfig& model : models()) {
    const TrainingConfig settings = default_settings(name_of(model));
    for_each_setting(settings, [&](const std::string& name, const auto&, const Setting&) {
      if (name == setting) names.push_back(name_of(model));
    });
  }
  return names;
}

namespace {

void read_value(const nlohmann::json& json, std::string& value) {
  check(json.is_string(), "{} is no text", described(json));
  value = json.get_ref<const std::string&>();
}
void read_value(const nlohmann::json& json, bool& value) {
  check(json.is_boolean(), "{} is neither true nor false", described(json));
  value = json.get<bool>();
}
void read_value(const nlohmann::json& json, double& value) {
  check(json.is_number(), "{} is no number", described(json));
  value = json.get<double>();
}
template <class Choice>
requires std::is_enum_v<Choice>
void read_value(const nlohmann::json& json, Choice& value) {
  const std::optional<Choice> named =
      json.is_string() ? value_named(json.get_ref<const std::string&>(), names_of(Choice{})) : std::nullopt;
  if (named) {
    value = *named;
    return;
  }
  std::vector<std::string> names;
  for (const auto& [other, name] : names_of(Choice{})) names.emplace_back(name);
  throw std::invalid_argument(fmt::format("{} is none of: {}", described(json), fmt::join(names, ", ")));
}
template <class Number>
requires std::is_integral_v<Number>
void read_value(const nlohmann::json& json, Number& value) {
  const bool fits = json.is_number_unsigned()
                        ? std::in_range<Number>(json.get<std::uint64_t>())
                        : json.is_number_integer() && std::in_range<Number>(json.get<std::int64_t>());
  check(fits, "{} is no whole number in range", described(json));
  value = json.get<Number>();
}
void read_value(const nlohmann::json& json, std::optional<std::int64_t>& value) {
  if (json.is_null()) {
    value.reset();
    return;
  }
  std::int64_t number = 0;
  read_value(json, number);
  value = number;
}

template <class Value>
nlohmann::ordered_json value_to_json(const Value& value) {
  if constexpr (std::is_enum_v<Value>)
    return name_of(value);
  else if constexpr (std::is_same_v<Value, std::optional<std::int64_t>>)
    return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json(nullptr);
  else
    return value;
}

}  // namespace

nlohmann::ordered_json to_json(const TrainingConfig& config) {
  nlohmann::ordered_json json;
  json["qkv"] = version;
  json["model"] = name_of(config.model);
  const auto write = [&](const std::string& name, const auto& value, const Setting&) {
    json[name] = value_to_json(value);
  };
  for_each_setting_of_any_model(write);
  for_each_setting(config, write);
  return json;
}

namespace {

/// Calls read(); what it throws is said of this setting of this file.
template <class Read>
void reading(const std::string& path, const std::string& key, const Read& read) {
  try {
    read();
  } catch (const std::exception& error) {
    throw std::runtime_error(fmt::format("{}: setting \"{}\": {}", path, key, error.what()));
  }
}

/// The settings that training begins with, for the model that the file names or for the one of this name.
TrainingConfig defaults_for(const nlohmann::json& json, const std::string& path,
                            const std::optional<std::string>& model) {
  if (json.contains("model"))
    reading(path, "model", [&] {
      std::vector<std::string> names;
      for (const ModelConfig& known : models()) names.push_back(name_of(known));
      check(std::find(names.begin(), names.end(), json["model"]) != names.end(), "{} is none of: {}",
            described(json["model"]), fmt::join(names, ", "));
    });
  if (model) return default_settings(*model);
  return json.contains("model") ? default_settings(json["model"]) : TrainingConfig{};
}

/// "; the nearest is NAME", of all settings, for a key that is none; empty where none is near.
std::string such_as(std::string key) {
  std::vector<std::string> names{"model"};
  for_each_setting_of_any_model([&](const std::string& name, const auto&, const Setting&) { names.push_back(name); });
  std::replace(key.begin(), key.end(), '-', '_');
  const auto nearest = nearest_word(key, names);
  return nearest ? fmt::format("; the nearest is \"{}\"", names[*nearest]) : "";
}

/// Whether this is a setting of another model, and one that is not as training begins with.
enum class Elsewhere { unknown, as_usual, changed };
Elsewhere in_another_model(const nlohmann::json& value, const std::string& path, const std::string& key) {
  Elsewhere found = Elsewhere::unknown;
  for_each_setting_of_any_model([&](const std::string& name, auto usual, const Setting&) {
    if (name != key) return;
    auto given = usual;
    reading(path, key, [&] { read_value(value, given); });
    found = given == usual ? Elsewhere::as_usual : Elsewhere::changed;
  });
  return found;
}

}  // namespace

SettingsFile read_settings(const nlohmann::json& json, const std::string& path,
                           const std::optional<std::string>& model) {
  if (!json.is_object()) throw std::runtime_error(fmt::format("{}: this is no JSON object with settings", path));
  SettingsFile file{.config = defaults_for(json, path, model)};
  for (const auto& [key, value] : json.items()) {
    bool known = key == "qkv" || key == "model";
    for_each_setting(file.config, [&, &key = key, &value = value](const char* name, auto& setting, const Setting&) {
      if (name != key) return;
      known = true;
      reading(path, key, [&] { read_value(value, setting); });
    });
    if (known) {
      file.named.push_back(key);
      continue;
    }
    const Elsewhere elsewhere = in_another_model(value, path, key);
    if (elsewhere == Elsewhere::unknown)
      throw std::runtime_error(
          fmt::format("{}: there is no setting {}{}", path, described(nlohmann::json(key)), such_as(key)));
    if (elsewhere == Elsewhere::changed) file.unused.push_back(key);
  }
  return file;
}

SettingsFile read_settings_file(const std::string& path, const std::optional<std::string>& model) {
  const std::string text = read_file(path);
  nlohmann::json json;
  try {
    json = parse_json(text);
  } catch (const JsonError& error) {
    const auto read = static_cast<std::ptrdiff_t>(std::min(error.byte, text.size()));
    throw std::runtime_error(fmt::format("{}:{}: not valid JSON: {}", path,
                                         1 + std::count(text.begin(), text.begin() + read, '\n'), error.what()));
  }
  return read_settings(json, path, model);
}

}  // namespace qkv
