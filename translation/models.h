#pragma once

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "qkv/translation/rnn_seq2seq.h"
#include "qkv/translation/transformer.h"

namespace qkv {

/// The configuration of a model that `qkv train` knows. A new model's stands beside it, with
///   Model<T>           the class
///   name()             what --model calls it
///   visit()            its settings; see translation/setting.h
///   check_settings()   throws std::invalid_argument if they do not fit each other
///   size()             what it takes
///   multiply_adds()    what a translation takes
///   cross_attention()  what there is to look at
///   usual_rate         the learning rate that training begins with
///   small_set_rate, small_set_dropout   what suits few pairs; see translation/fit_to_data.h
/// and it is named here and in `models`.
using ModelConfig = std::variant<TransformerConfig, RnnConfig>;

/// The models that `qkv train` knows, with the settings that training begins with; the first is the default.
inline const std::vector<ModelConfig>& models() {
  static const std::vector<ModelConfig> all{TransformerConfig{.dropout = 0.1}, RnnConfig{.attention = std::nullopt},
                                            RnnConfig{.attention = Score::dot}};
  return all;
}

/// What --model calls it.
inline std::string name_of(const ModelConfig& config) {
  return std::visit([](const auto& model) { return std::string(model.name()); }, config);
}

inline CrossAttention cross_attention(const ModelConfig& config) {
  return std::visit([](const auto& model) { return model.cross_attention(); }, config);
}

inline ModelSize size_of(const ModelConfig& config) {
  return std::visit([](const auto& model) { return model.size(); }, config);
}

/// The model, its parameters not yet initialised. Throws what `check_new` throws, which looks at each parameter before
/// it is added. Until the parameters' values are asked for, the model takes little memory.
template <class T>
std::unique_ptr<Seq2Seq<T>> make_model(const ModelConfig& config, const ParameterCheck& check_new = {}) {
  return std::visit(
      [&]<class Config>(const Config& model) -> std::unique_ptr<Seq2Seq<T>> {
        return std::make_unique<typename Config::template Model<T>>(model, check_new);
      },
      config);
}

extern template std::unique_ptr<Seq2Seq<float>> make_model<float>(const ModelConfig&, const ParameterCheck&);
extern template std::unique_ptr<Seq2Seq<double>> make_model<double>(const ModelConfig&, const ParameterCheck&);
extern template std::unique_ptr<Seq2Seq<DualDouble>> make_model<DualDouble>(const ModelConfig&, const ParameterCheck&);

}  // namespace qkv
