#pragma once

#include <cmath>

#include "qkv/layers/embedding.h"
#include "qkv/layers/positional_encoding.h"
#include "qkv/layers/transformer_decoder.h"
#include "qkv/layers/transformer_encoder.h"
#include "qkv/translation/model_size.h"
#include "qkv/translation/seq2seq.h"
#include "qkv/translation/setting.h"

namespace qkv {

template <class T>
class Transformer;

/// The sizes and choices that make a Transformer.
struct TransformerConfig {
  template <class T>
  using Model = Transformer<T>;
  static constexpr double usual_rate = 2e-3;  ///< the learning rate that training begins with
  static constexpr double small_set_rate = usual_rate, small_set_dropout = 0.1;

  int source_vocabulary = 0;  ///< sizes of the vocabularies
  int target_vocabulary = 0;
  int d_model = 64;
  int heads = 4;
  int layers = 2;                   ///< in the encoder, and as many in the decoder
  int ff = 256;                     ///< width inside the feed-forward networks
  double dropout = 0.0;             ///< of embeddings and of what is added to each residual sum
  double attention_dropout = 0.0;   ///< of attention weights
  double activation_dropout = 0.0;  ///< between the two layers of the feed-forward networks
  NormOrder norm = NormOrder::post;
  Activation activation = Activation::relu;
  Positions positions = Positions::sinusoidal;
  bool tie_embeddings = false;  ///< the generator's weight is the target embedding's
  int max_positions = 1024;     ///< the longest sentence, `<eos>` included

  /// The encoder's layers, and the decoder's.
  StackConfig stack() const {
    return {d_model, heads, layers, ff, dropout, attention_dropout, activation_dropout, norm, activation};
  }

  const char* name() const { return "transformer"; }
  CrossAttention cross_attention() const { return {layers, heads}; }

  /// Its settings; see translation/setting.h. The vocabularies and the longest sentence come from the data.
  template <class Config, class Visit>
  static void visit(Config& config, Visit&& visit) {
    visit("d_model", config.d_model, number("features of each word inside the Transformer", size_range));
    visit("heads", config.heads, number("attention heads; they share the features", size_range));
    visit("layers", config.layers, number("layers of the encoder, and of the decoder", Range{1, 1000}));
    visit("ff", config.ff, number("width inside the feed-forward networks", size_range));
    visit("dropout", config.dropout, number("probability of dropping a feature while training", share_range));
    visit("attention_dropout", config.attention_dropout,
          number("probability of dropping an attention weight while training", share_range));
    visit("activation_dropout", config.activation_dropout,
          number("probability of dropping a feature inside the feed-forward networks while training", share_range));
    visit("norm", config.norm, Setting{"layer norm after each residual sum (post) or before each sublayer (pre)"});
    visit("activation", config.activation, Setting{"between the two layers of a feed-forward network"});
    visit("positions", config.positions, Setting{"how words are told where they stand"});
    visit("tie_embeddings", config.tie_embeddings, Setting{"let the generator use the target embedding's weight"});
  }

  /// Throws std::invalid_argument if settings that are each in their range do not fit each other.
  void check_settings() const {
    check(d_model % heads == 0, "`heads` {} does not divide `d_model` {}; each head takes an equal part", heads,
          d_model);
  }

  /// For S source and T target tokens, with C = d_model, F = ff, N layers and the target vocabulary V:
  ///   encoder N S (4 CC + 2 CF + 2 S C) + 2 N S CC
  ///   decoder N (Σ_{t ≤ T} (4 CC + 2 t C + 2 CC + 2 S C + 2 CF)) + T C V
  MultiplyAdds multiply_adds(double source, double target) const {
    const double c = d_model, f = ff;
    const double self = target * 4 * c * c + target * (target + 1) * c;  // Σ 2 t C
    const double cross = target * (2 * c * c + 2 * source * c);
    return {.encoder = layers * source * (4 * c * c + 2 * c * f + 2 * source * c) + layers * source * 2 * c * c,
            .decoder = layers * (self + cross + target * 2 * c * f) + target * c * target_vocabulary};
  }

  ModelSize size() const {
    const double d = d_model, table = 2.0 * max_positions * d, layer_norm = 2 * d;
    const double attention = 4 * size_of_linear(d, d), feed_forward = size_of_linear(d, ff) + size_of_linear(ff, d);
    const double encoder_layer = attention + feed_forward + 2 * layer_norm;
    const double decoder_layer = 2 * attention + feed_forward + 3 * layer_norm;
    const bool learned = positions == Positions::learned;
    ModelSize size;
    size.parameters = (1.0 * source_vocabulary + target_vocabulary) * d + layers * (encoder_layer + decoder_layer) +
                      2 * layer_norm + (tie_embeddings ? target_vocabulary : size_of_linear(d, target_vocabulary)) +
                      (learned ? table : 0);
    size.positions = learned ? 0 : table;
    size.tensors = 42.0 * layers + 8 + (learned ? 2 : 0) - (tie_embeddings ? 1 : 0);
    return size;
  }

  friend bool operator==(const TransformerConfig&, const TransformerConfig&) = default;
};

/// The Transformer (Vaswani et al. 2017, figure 1); computes what torch.nn.Transformer computes between an embedding
/// times √d_model plus positions, and a linear generator.
template <class T>
class Transformer : public Seq2Seq<T> {
 public:
  explicit Transformer(const TransformerConfig& config, ParameterCheck check_new = {})
      : Seq2Seq<T>(std::move(check_new)),
        source_embedding_(at("source_embedding"), config.source_vocabulary, config.d_model, std::sqrt(config.d_model)),
        target_embedding_(at("target_embedding"), config.target_vocabulary, config.d_model, std::sqrt(config.d_model)),
        source_positions_(at("source_positions"), config.positions, config.max_positions, config.d_model),
        target_positions_(at("target_positions"), config.positions, config.max_positions, config.d_model),
        encoder_(at("encoder"), config.stack()),
        decoder_(at("decoder"), config.stack()),
        generator_(config.tie_embeddings
                       ? Linear<T>(at("generator"), target_embedding_.weight(), config.target_vocabulary)
                       : Linear<T>(at("generator"), config.d_model, config.target_vocabulary)),
        dropout_(config.dropout) {}

  Var<T> logits(const Tokens& source, const Tokens& target) const override {
    const Var<T> memory = encode(source);
    const Var<T> words = dropout_(target_positions_(target_embedding_(target)));
    return generator_(decoder_(words, memory, Mask::causal_padding(target.lengths), source.padding()));
  }

  Var<T> encode(const Tokens& source) const override {
    const Var<T> words = dropout_(source_positions_(source_embedding_(source)));
    return encoder_(words, source.padding());
  }

  /// `<eos>` takes one position, and so does `<bos>`.
  int most_source_words() const override { return source_positions_.count() - 1; }
  int most_target_words() const override { return target_positions_.count() - 1; }

  std::unique_ptr<Decoding<T>> decode(const Tokens& source, int max_words) const override {
    return std::make_unique<WithCache>(*this, source, max_words);
  }

 private:
  Path<T> at(const std::string& name) { return this->parameters().root() / name; }

  /// Produces words with cached keys and values.
  class WithCache : public Decoding<T> {
   public:
    WithCache(const Transformer& model, const Tokens& source, int max_words)
        : model_(model), memory_lengths_(source.lengths.begin(), source.lengths.end()) {
      NoGrad<T> no_grad(Tape<T>::current());
      caches_ = model.decoder_.start(model.encode(source), max_words);
    }

    Var<T> next(std::span<const int> words) override {
      NoGrad<T> no_grad(Tape<T>::current());
      const int sentences = static_cast<int>(words.size());
      check(words.size() == memory_lengths_.size(), "decoding: {} words do not fit {} sentences", words.size(),
            memory_lengths_.size());
      const std::vector<int> words_so_far(words.size(), words_ + 1);
      const Tokens last{words, sentences, 1, {}};
      Var<T> x = model_.dropout_(model_.target_positions_(model_.target_embedding_(last), words_));
      x = model_.generator_(model_.decoder_.next(x, caches_, words_so_far, memory_lengths_));
      ++words_;
      return x;
    }

    void select(std::span<const int> rows) override {
      for (auto& [so_far, memory] : caches_) {
        so_far.select(rows);
        memory.select(rows);
      }
      std::vector<int> lengths;
      for (int row : rows) lengths.push_back(memory_lengths_[static_cast<std::size_t>(row)]);
      memory_lengths_ = std::move(lengths);
    }

   private:
    const Transformer& model_;
    std::vector<int> memory_lengths_;
    std::vector<DecoderLayerCache<T>> caches_;
    int words_ = 0;  // read so far
  };

  Embedding<T> source_embedding_, target_embedding_;
  PositionalEncoding<T> source_positions_, target_positions_;
  TransformerEncoder<T> encoder_;
  TransformerDecoder<T> decoder_;
  Linear<T> generator_;
  Dropout<T> dropout_;
};

}  // namespace qkv
