#pragma once

#include <nlohmann/json.hpp>
#include <numeric>
#include <string>
#include <vector>

#include "qkv/datasets/batches.h"
#include "qkv/files/safetensors.h"
#include "qkv/translation/batch_loss.h"
#include "qkv/translation/rnn_seq2seq.h"
#include "qkv/translation/transformer.h"

namespace qkv {

/// A small model with the parameters of a file of tests/reference, and what PyTorch computed with them.
template <class T>
class ReferenceModel {
 public:
  explicit ReferenceModel(const std::string& name)
      : file_(SafetensorsFile::read(QKV_SOURCE_DIR "/tests/reference/" + name + ".safetensors")),
        settings_(nlohmann::json::parse(file_.metadata().at("settings"))),
        model_(make()) {
    Parameters<T>& parameters = model_->parameters();
    for (std::size_t i = 0; i < parameters.entries().size(); ++i) {
      const std::vector<T> values = numbers<T>("parameter." + parameters.entries()[i].name);
      check(values.size() == parameters.values(i).size(), "{} is of another size", parameters.entries()[i].name);
      std::copy(values.begin(), values.end(), parameters.values(i).begin());
    }
    read_batch();
  }

  Seq2Seq<T>& model() { return *model_; }
  const Batch& batch() const { return batch_; }
  const nlohmann::json& settings() const { return settings_; }
  const SafetensorsFile& file() const { return file_; }

  Tokens source() const { return source_of(batch_, whole(batch_)); }
  Tokens target() const { return target_of(batch_, whole(batch_)); }

  template <class Number = double>
  std::vector<Number> numbers(const std::string& name) const {
    return file_.tensor(name).template as<Number>();
  }

 private:
  std::unique_ptr<Seq2Seq<T>> make() const {
    if (settings_.contains("cell")) return std::make_unique<RnnSeq2Seq<T>>(rnn_config());
    return std::make_unique<Transformer<T>>(transformer_config());
  }

  RnnConfig rnn_config() const {
    const std::string cell = settings_.at("cell");
    return {.source_vocabulary = settings_.at("source_vocabulary"),
            .target_vocabulary = settings_.at("target_vocabulary"),
            .embedding = settings_.at("embedding"),
            .hidden = settings_.at("hidden"),
            .cell = cell == "gru"    ? CellKind::gru
                    : cell == "lstm" ? CellKind::lstm
                                     : CellKind::elman,
            .attention = attention()};
  }

  std::optional<Score> attention() const {
    if (settings_.at("model") != "rnn-attention") return {};
    for (const auto& [score, name] : names_of(Score{}))
      if (settings_.at("score") == name) return score;
    throw std::runtime_error("the fixture has an unknown score");
  }

  TransformerConfig transformer_config() const {
    return {.source_vocabulary = settings_.at("source_vocabulary"),
            .target_vocabulary = settings_.at("target_vocabulary"),
            .d_model = settings_.at("d_model"),
            .heads = settings_.at("heads"),
            .layers = settings_.at("layers"),
            .ff = settings_.at("ff"),
            .dropout = settings_.value("dropout", 0.0),
            .attention_dropout = settings_.value("attention_dropout", 0.0),
            .activation_dropout = settings_.value("activation_dropout", 0.0),
            .norm = settings_.at("norm") == "pre" ? NormOrder::pre : NormOrder::post,
            .activation = settings_.at("activation") == "gelu" ? Activation::gelu : Activation::relu,
            .positions = settings_.at("positions") == "learned" ? Positions::learned : Positions::sinusoidal,
            .tie_embeddings = settings_.at("tie_embeddings"),
            .max_positions = settings_.at("max_positions")};
  }

  void read_batch() {
    const auto ids = [&](const std::string& name) {
      const std::vector<std::int64_t> wide = numbers<std::int64_t>(name);
      return std::vector<std::int32_t>(wide.begin(), wide.end());
    };
    batch_.size = static_cast<int>(file_.tensor("source").shape[0]);
    batch_.source_width = static_cast<int>(file_.tensor("source").shape[1]);
    batch_.target_width = static_cast<int>(file_.tensor("target_input").shape[1]);
    batch_.source = ids("source");
    batch_.target_input = ids("target_input");
    batch_.target_output = ids("target_output");
    batch_.source_lengths = ids("source_lengths");
    batch_.target_lengths = ids("target_lengths");
    batch_.target_tokens = std::accumulate(batch_.target_lengths.begin(), batch_.target_lengths.end(), std::int64_t{0});
  }

  SafetensorsFile file_;
  nlohmann::json settings_;
  std::unique_ptr<Seq2Seq<T>> model_;
  Batch batch_;
};

}  // namespace qkv
