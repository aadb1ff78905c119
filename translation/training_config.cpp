#include "qkv/translation/training_config.h"

#include <algorithm>
#include <fmt/format.h>
#include <type_traits>
#include <utility>

#include "qkv/autograd/check.h"
#include "qkv/files/durable_file.h"
#include "qkv/files/utf8.h"
#include "qkv/translation/parse_json.h"
#include "qkv/translation/version.h"

namespace qkv {

template <>
const std::vector<std::string>& choices<ModelKind>() {
  static const std::vector<std::string> names{"transformer", "rnn", "rnn-attention"};
  return names;
}
template <>
const std::vector<std::string>& choices<CellKind>() {
  static const std::vector<std::string> names{"gru", "lstm", "elman"};
  return names;
}
template <>
const std::vector<std::string>& choices<Score>() {
  static const std::vector<std::string> names{"dot", "scaled-dot", "additive"};
  return names;
}
template <>
const std::vector<std::string>& choices<NormOrder>() {
  static const std::vector<std::string> names{"post", "pre"};
  return names;
}
template <>
const std::vector<std::string>& choices<Activation>() {
  static const std::vector<std::string> names{"relu", "gelu"};
  return names;
}
template <>
const std::vector<std::string>& choices<Positions>() {
  static const std::vector<std::string> names{"sinusoidal", "learned"};
  return names;
}
template <>
const std::vector<std::string>& choices<ScheduleKind>() {
  static const std::vector<std::string> names{"constant", "noam", "cosine"};
  return names;
}

TrainingConfig default_settings(ModelKind model) {
  TrainingConfig settings;
  settings.model = model;
  if (model != ModelKind::transformer) {
    settings.lr = 3e-3;
    settings.dropout = 0;
  }
  return settings;
}

namespace {

/// A setting's name in a file.
std::string key_of(std::string name) {
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

}  // namespace

bool uses(ModelKind model, UsedBy used_by) {
  switch (used_by) {
    case UsedBy::every_model:
      return true;
    case UsedBy::transformer:
      return model == ModelKind::transformer;
    case UsedBy::rnn_models:
      return model != ModelKind::transformer;
    case UsedBy::rnn_attention:
      return model == ModelKind::rnn_attention;
  }
  return false;
}

std::string models_with(UsedBy used_by) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < choices<ModelKind>().size(); ++i)
    if (uses(static_cast<ModelKind>(i), used_by)) names.push_back(choices<ModelKind>()[i]);
  return fmt::format("{}", fmt::join(names, " and "));
}

void check_settings(const TrainingConfig& config) {
  for_each_setting(config, [&](const char* name, const auto& value, const auto& setting) {
    if (!uses(config.model, setting.used_by)) return;
    if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::string>)
      check(!invalid_utf8(value), "`{}` {} is not UTF-8, so no file of settings can hold it", key_of(name), value);
    if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::optional<std::int64_t>>)
      check(!value || setting.range.contains(*value), "`{}` {} is out of range; it must be {}", key_of(name), *value,
            setting.range.text());
    else if constexpr (requires { setting.range; })
      check(setting.range.contains(value), "`{}` {} is out of range; it must be {}", key_of(name), value,
            setting.range.text());
  });
  if (config.model == ModelKind::transformer)
    check(config.d_model % config.heads == 0, "`heads` {} does not divide `d_model` {}; each head takes an equal part",
          config.heads, config.d_model);
}

std::vector<std::string> idle_settings(const TrainingConfig& config) {
  const nlohmann::ordered_json given = to_json(config), usual = to_json(default_settings(config.model));
  std::vector<std::string> idle;
  for_each_setting(config, [&](const char* name, const auto&, const Setting& setting) {
    const std::string key = key_of(name);
    if (!uses(config.model, setting.used_by) && given[key] != usual[key]) idle.push_back(key);
  });
  return idle;
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
  const auto& names = choices<Choice>();
  const auto found =
      json.is_string() ? std::find(names.begin(), names.end(), json.get_ref<const std::string&>()) : names.end();
  check(found != names.end(), "{} is none of: {}", described(json), fmt::join(names, ", "));
  value = static_cast<Choice>(found - names.begin());
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
    return choices<Value>()[static_cast<std::size_t>(value)];
  else if constexpr (std::is_same_v<Value, std::optional<std::int64_t>>)
    return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json(nullptr);
  else
    return value;
}

}  // namespace

nlohmann::ordered_json to_json(const TrainingConfig& config) {
  nlohmann::ordered_json json;
  json["qkv"] = version;
  for_each_setting(
      config, [&](const char* name, const auto& value, const Setting&) { json[key_of(name)] = value_to_json(value); });
  return json;
}

void read_settings(const nlohmann::json& json, const std::string& path, TrainingConfig& config) {
  if (!json.is_object()) throw std::runtime_error(fmt::format("{}: this is no JSON object with settings", path));
  for (const auto& [key, value] : json.items()) {
    bool known = key == "qkv";
    for_each_setting(config, [&, &key = key, &value = value](const char* name, auto& setting, const Setting&) {
      if (key_of(name) != key) return;
      known = true;
      try {
        read_value(value, setting);
      } catch (const std::exception& error) {
        throw std::runtime_error(fmt::format("{}: setting \"{}\": {}", path, key, error.what()));
      }
    });
    if (!known)
      throw std::runtime_error(fmt::format("{}: there is no setting {}", path, described(nlohmann::json(key))));
  }
}

void read_settings_file(const std::string& path, TrainingConfig& config) {
  const std::string text = read_file(path);
  nlohmann::json json;
  try {
    json = parse_json(text);
  } catch (const JsonError& error) {
    const auto read = static_cast<std::ptrdiff_t>(std::min(error.byte, text.size()));
    throw std::runtime_error(fmt::format("{}:{}: not valid JSON: {}", path,
                                         1 + std::count(text.begin(), text.begin() + read, '\n'), error.what()));
  }
  read_settings(json, path, config);
}

}  // namespace qkv
