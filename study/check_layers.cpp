#include "qkv/study/check_layers.h"

#include "qkv/autograd/ops/cross_entropy.h"
#include "qkv/layers/gradcheck_model.h"
#include "qkv/layers/self_attention.h"
#include "qkv/study/in_scalar.h"

namespace qkv {
namespace {

const std::vector<int> source_ids{4, 5, 2, 3, 2, 0};  // two sentences of three and two words, 0 is padding
const std::vector<int> source_lengths{3, 2};
const std::vector<int> target_ids{1, 4, 0, 1, 5, 3};
const std::vector<int> target_lengths{2, 3};
const std::vector<int> next_ids{4, 2, 0, 5, 3, 2};
const Tokens source{source_ids, 2, 3, source_lengths}, target{target_ids, 2, 3, target_lengths};

/// The check of the layer that make(path) makes, as apply(layer, x) uses it on the inputs x. A wrong factor may come
/// from one of the sizes.
template <class Make, class Apply>
NamedGradcheck layer(const std::string& name, Make make, Apply apply, std::vector<CheckInput> inputs,
                     const NamedSizes& sizes) {
  return {name, "layer", [=](std::uint64_t seed) {
            const auto below = [=](const auto& path) { return make(path / "layer"); };
            return gradcheck_layer(below, apply, inputs, {.seed = seed, .sizes = sizes});
          }};
}

/// The check of a model's loss by all its parameters. A wrong factor may come from one of the sizes.
NamedGradcheck model(const std::string& name, const ModelConfig& config, const NamedSizes& sizes) {
  return {name, "model", [=](std::uint64_t seed) {
            InScalar<double> in_double(config);
            InScalar<DualDouble> on_duals(config);
            const auto loss = [](const auto& checked, auto) {
              return cross_entropy(checked.logits(source, target), next_ids,
                                   {.ignore = 0, .smoothing = 0.1, .divide_by = 5});
            };
            return gradcheck_whole(function_of_parameters(in_double, on_duals, 0, loss),
                                   inputs_for(in_double.parameters(), seed), {.seed = seed, .sizes = sizes});
          }};
}

TransformerConfig transformer(NormOrder norm) {
  return {.source_vocabulary = 6, .target_vocabulary = 7, .d_model = 4, .heads = 2, .layers = 1, .ff = 5, .norm = norm};
}

TransformerConfig tied_transformer() {
  TransformerConfig config = transformer(NormOrder::post);
  config.layers = 2;
  config.activation = Activation::gelu;
  config.positions = Positions::learned;
  config.max_positions = 3;
  config.tie_embeddings = true;
  return config;
}

RnnConfig rnn(CellKind cell, std::optional<Score> attention) {
  return {.source_vocabulary = 6,
          .target_vocabulary = 7,
          .embedding = 3,
          .hidden = 4,
          .cell = cell,
          .attention = attention};
}

const NamedSizes rnn_sizes{{"embedding", 3}, {"hidden", 4}, {"sentences", 2}};
const NamedSizes attention_sizes{{"heads", 2}, {"width", 4}, {"keys", 3}, {"sentences", 2}};
const NamedSizes transformer_sizes{{"heads", 2}, {"width", 4}, {"feed-forward width", 5}, {"sentences", 2}};
/// The loss is divided by the words that count.
NamedSizes with_loss(NamedSizes sizes) {
  sizes.emplace_back("words that count", 5);
  return sizes;
}

/// x after dropout, as in the fourth step of a training.
template <class T>
Var<T> while_training(const Dropout<T>& layer, Var<T> x) {
  Tape<T>::current().draws = {.seed = 7, .step = 4, .first_row = 2, .training = true};
  return layer(x);
}

NamedGradcheck self_attention(const std::string& name, bool scaled) {
  return layer(
      name, [=](const auto& path) { return SelfAttention(path, 4, scaled); },
      [](const auto& layer, auto x) { return layer(x[0], Mask::padding(source_lengths)); }, {{"x", {2, 3, 4}}},
      {{"width", 4}, {"keys", 3}, {"sentences", 2}});
}

/// Two steps of a cell, so that what a step passes on is differentiated too.
NamedGradcheck rnn_cell(const std::string& name, CellKind kind) {
  return layer(
      name, [=](const auto& path) { return RnnCell(path, kind, 3, 4); },
      [](const auto& layer, auto x) {
        const auto second = layer(x[1], layer(x[0], layer.start(x[2])));
        return second.c ? std::vector{second.h, second.c} : std::vector{second.h};
      },
      {{"first word", {2, 1, 3}}, {"second word", {2, 1, 3}}, {"h", {2, 1, 4}}}, rnn_sizes);
}

NamedGradcheck rnn_encoder(const std::string& name, CellKind kind) {
  return layer(
      name, [=](const auto& path) { return RnnEncoder(path, kind, 3, 4); },
      [](const auto& layer, auto x) {
        const auto encoded = layer(x[0], source_lengths);
        return std::vector{encoded.states, encoded.last};
      },
      {{"x", {2, 3, 3}}}, rnn_sizes);
}

NamedGradcheck rnn_attention(const std::string& name, Score score) {
  return layer(
      name, [=](const auto& path) { return RnnAttention(path, score, 4); },
      [](const auto& layer, auto x) { return layer(x[0], layer.keys(x[1]), x[1], Mask::padding(source_lengths)); },
      {{"h", {2, 1, 4}}, {"states", {2, 3, 4}}}, {{"hidden", 4}, {"keys", 3}, {"sentences", 2}});
}

NamedGradcheck feed_forward(const std::string& name, Activation activation) {
  return layer(
      name, [=](const auto& path) { return FeedForward(path, 4, 5, activation); },
      [](const auto& layer, auto x) { return layer(x[0]); }, {{"x", {2, 3, 4}}},
      {{"width", 4}, {"feed-forward width", 5}, {"rows", 6}});
}

/// The check of what reads a sentence: a layer of the encoder, or all of them.
template <class Make>
NamedGradcheck encoding(const std::string& name, Make make) {
  return layer(
      name, make, [](const auto& layer, auto x) { return layer(x[0], Mask::padding(source_lengths)); },
      {{"x", {2, 3, 4}}}, transformer_sizes);
}

/// The check of what writes a sentence: a layer of the decoder, or all of them.
template <class Make>
NamedGradcheck decoding(const std::string& name, Make make) {
  return layer(
      name, make,
      [](const auto& layer, auto x) {
        return layer(x[0], x[1], Mask::causal_padding(target_lengths), Mask::padding(source_lengths));
      },
      {{"x", {2, 3, 4}}, {"memory", {2, 3, 4}}}, transformer_sizes);
}

NamedGradcheck encoder_layer(const std::string& name, NormOrder norm) {
  return encoding(name, [=](const auto& path) { return EncoderLayer(path, transformer(norm).stack()); });
}

NamedGradcheck decoder_layer(const std::string& name, NormOrder norm) {
  return decoding(name, [=](const auto& path) { return DecoderLayer(path, transformer(norm).stack()); });
}

/// Two layers, so that what one passes to the next is differentiated too.
TransformerConfig stacked(NormOrder norm) {
  TransformerConfig config = transformer(norm);
  config.layers = 2;
  return config;
}

NamedGradcheck encoder(const std::string& name, NormOrder norm) {
  return encoding(name, [=](const auto& path) { return TransformerEncoder(path, stacked(norm).stack()); });
}

NamedGradcheck decoder(const std::string& name, NormOrder norm) {
  return decoding(name, [=](const auto& path) { return TransformerDecoder(path, stacked(norm).stack()); });
}

}  // namespace

std::vector<NamedGradcheck> layer_gradchecks() {
  const auto attention = [](const auto& path) { return MultiHeadAttention(path, 4, 2); };
  const auto norm = [](const auto& path) { return LayerNorm(path, 5); };
  return {
      layer(
          "Linear", [](const auto& path) { return Linear(path, 4, 3); },
          [](const auto& layer, auto x) { return layer(x[0]); }, {{"x", {2, 3, 4}}},
          {{"inputs", 4}, {"outputs", 3}, {"rows", 6}}),
      layer(
          "LinearSteps", [](const auto& path) { return Linear(path, 4, 3); },
          [](const auto& layer, auto x) {
            const auto steps = layer.steps(2);
            return std::vector{steps(x[0]), steps(x[1])};
          },
          {{"first x", {2, 1, 4}}, {"second x", {2, 1, 4}}}, {{"inputs", 4}, {"outputs", 3}, {"sentences", 2}}),
      layer(
          "Dropout", []<class S>(const Path<S>&) { return Dropout<S>(0.4); },
          [](const auto& layer, auto x) { return while_training(layer, x[0]); }, {{"x", {2, 3, 4}}}, {}),
      layer(
          "Embedding", [](const auto& path) { return Embedding(path, 6, 3, 1.7); },
          [](const auto& layer, auto) { return layer(source); }, {}, {{"width", 3}}),
      layer(
          "PositionalEncoding sinusoidal",
          [](const auto& path) { return PositionalEncoding(path, Positions::sinusoidal, 5, 4); },
          [](const auto& layer, auto x) { return layer(x[0], 2); }, {{"x", {2, 3, 4}}},
          {{"width", 4}, {"sentences", 2}}),
      layer(
          "PositionalEncoding learned",
          [](const auto& path) { return PositionalEncoding(path, Positions::learned, 5, 4); },
          [](const auto& layer, auto x) { return layer(x[0], 1); }, {{"x", {2, 3, 4}}},
          {{"width", 4}, {"sentences", 2}}),
      layer("LayerNorm", norm, [](const auto& layer, auto x) { return layer(x[0]); }, {{"x", {2, 3, 5}}},
            {{"width", 5}, {"rows", 6}}),
      layer("LayerNorm of a sum", norm, [](const auto& layer, auto x) { return layer.of_sum(x[0], x[1]); },
            {{"x", {2, 3, 5}}, {"r", {2, 3, 5}}}, {{"width", 5}, {"rows", 6}}),
      rnn_cell("RnnCell gru", CellKind::gru),
      rnn_cell("RnnCell lstm", CellKind::lstm),
      rnn_cell("RnnCell elman", CellKind::elman),
      rnn_encoder("RnnEncoder gru", CellKind::gru),
      rnn_encoder("RnnEncoder lstm", CellKind::lstm),
      rnn_encoder("RnnEncoder elman", CellKind::elman),
      rnn_attention("RnnAttention dot", Score::dot),
      rnn_attention("RnnAttention scaled-dot", Score::scaled_dot),
      rnn_attention("RnnAttention additive", Score::additive),
      self_attention("SelfAttention", true),
      self_attention("SelfAttention unscaled", false),
      layer(
          "MultiHeadAttention", attention,
          [](const auto& layer, auto x) { return layer(x[0], x[1], Mask::padding(source_lengths)); },
          {{"x", {2, 2, 4}}, {"memory", {2, 3, 4}}}, attention_sizes),
      layer(
          "MultiHeadAttention to itself", attention,
          [](const auto& layer, auto x) { return layer(x[0], x[0], Mask::causal_padding(target_lengths)); },
          {{"x", {2, 3, 4}}}, attention_sizes),
      feed_forward("FeedForward relu", Activation::relu),
      feed_forward("FeedForward gelu", Activation::gelu),
      encoder_layer("EncoderLayer post", NormOrder::post),
      encoder_layer("EncoderLayer pre", NormOrder::pre),
      decoder_layer("DecoderLayer post", NormOrder::post),
      decoder_layer("DecoderLayer pre", NormOrder::pre),
      encoder("TransformerEncoder post", NormOrder::post),
      encoder("TransformerEncoder pre", NormOrder::pre),
      decoder("TransformerDecoder post", NormOrder::post),
      decoder("TransformerDecoder pre", NormOrder::pre),
      model("RnnSeq2Seq gru", rnn(CellKind::gru, {}), with_loss(rnn_sizes)),
      model("RnnSeq2Seq lstm", rnn(CellKind::lstm, {}), with_loss(rnn_sizes)),
      model("RnnSeq2Seq elman", rnn(CellKind::elman, {}), with_loss(rnn_sizes)),
      model("RnnSeq2Seq gru, dot attention", rnn(CellKind::gru, Score::dot), with_loss(rnn_sizes)),
      model("RnnSeq2Seq lstm, scaled-dot attention", rnn(CellKind::lstm, Score::scaled_dot), with_loss(rnn_sizes)),
      model("RnnSeq2Seq elman, additive attention", rnn(CellKind::elman, Score::additive), with_loss(rnn_sizes)),
      model("Transformer post", transformer(NormOrder::post), with_loss(transformer_sizes)),
      model("Transformer pre", transformer(NormOrder::pre), with_loss(transformer_sizes)),
      model("Transformer tied, gelu, learned positions", tied_transformer(), with_loss(transformer_sizes)),
  };
}

}  // namespace qkv
