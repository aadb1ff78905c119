#pragma once

#include "qkv/layers/dropout.h"
#include "qkv/layers/embedding.h"
#include "qkv/layers/kept_value.h"
#include "qkv/layers/linear.h"
#include "qkv/layers/rnn_attention.h"
#include "qkv/layers/rnn_encoder.h"
#include "qkv/translation/model_size.h"
#include "qkv/translation/seq2seq.h"
#include "qkv/translation/setting.h"

namespace qkv {

template <class T>
class RnnSeq2Seq;

/// The sizes and choices that make an RNN encoder-decoder.
struct RnnConfig {
  template <class T>
  using Model = RnnSeq2Seq<T>;
  static constexpr double usual_rate = 3e-3;  ///< the learning rate that training begins with: RNNs learn slowly
  static constexpr double small_set_rate = 2e-3, small_set_dropout = 0.2;  ///< a small set is learnt by heart otherwise

  int source_vocabulary = 0;  ///< sizes of the vocabularies
  int target_vocabulary = 0;
  int embedding = 64;
  int hidden = 128;
  CellKind cell = CellKind::gru;
  std::optional<Score> attention = Score::dot;  ///< none: one fixed context vector carries the sentence
  double dropout = 0.0;                         ///< on embeddings, and on what the generator reads

  const char* name() const { return attention ? "rnn-attention" : "rnn"; }
  CrossAttention cross_attention() const { return attention ? CrossAttention{1, 1} : CrossAttention{}; }

  /// Its settings; see translation/setting.h. The vocabularies come from the data.
  template <class Config, class Visit>
  static void visit(Config& config, Visit&& visit) {
    visit("embedding", config.embedding, number("features of each word in an RNN model", size_range));
    visit("hidden", config.hidden, number("features of an RNN's state", size_range));
    visit("cell", config.cell, Setting{"the RNN's cell"});
    if (config.attention) visit("score", *config.attention, Setting{"how an RNN's attention scores encoder states"});
    visit("dropout", config.dropout, number("probability of dropping a feature while training", share_range));
  }

  /// All settings fit each other.
  void check_settings() const {}

  double gates() const { return cell == CellKind::gru ? 3 : cell == CellKind::lstm ? 4 : 1; }

  /// For S source and T target tokens, with E the embedding, H the hidden size, g the cell's gates and the target
  /// vocabulary V:
  ///   encoder S · gH (E + H)       decoder T (gH (E + H) + gHH + HV)
  /// and with attention, of each target word the scores and the attention value 2 S H, and combine 2 H H; additive
  /// scores take S H H more for the keys and H H for each query.
  MultiplyAdds multiply_adds(double source, double target) const {
    const double e = embedding, h = hidden;
    MultiplyAdds count{.encoder = source * gates() * h * (e + h),
                       .decoder = target * (gates() * h * (e + h) + gates() * h * h + h * target_vocabulary)};
    if (attention) count.decoder += target * (2 * source * h + 2 * h * h);
    if (attention == Score::additive) {
      count.encoder += source * h * h;
      count.decoder += target * h * h;
    }
    return count;
  }

  ModelSize size() const {
    const double e = embedding, h = hidden;
    const auto size_of_cell = [&](double in) { return gates() * (h * in + h * h + 2 * h); };
    const bool additive = attention == Score::additive;
    ModelSize size;
    size.parameters = (1.0 * source_vocabulary + target_vocabulary) * e + size_of_cell(e) + size_of_cell(e + h) +
                      size_of_linear(h, target_vocabulary) + (additive ? 2 * h * h + h : 0) +
                      (attention ? size_of_linear(2 * h, h) : 0);
    size.tensors = 12 + (attention ? 2 : 0) + (additive ? 3 : 0);
    return size;
  }

  friend bool operator==(const RnnConfig&, const RnnConfig&) = default;
};

/// A recurrent encoder-decoder. Both decoders start from the encoder's last hidden state c; y are the embedded words
/// that were predicted before.
///   fixed context (Cho et al. 2014):  hᵢ = cell([yᵢ₋₁; c], hᵢ₋₁),   logits = generator(hᵢ)
///   attention (Luong et al. 2015, eq. 5, with input feeding):  hᵢ = cell([yᵢ₋₁; h̃ᵢ₋₁], hᵢ₋₁) with h̃₀ = 0,
///     vᵢ = Σ weights · encoder states,   h̃ᵢ = tanh(combine([vᵢ; hᵢ])),   logits = generator(h̃ᵢ)
template <class T>
class RnnSeq2Seq : public Seq2Seq<T> {
 public:
  explicit RnnSeq2Seq(const RnnConfig& config, ParameterCheck check_new = {})
      : Seq2Seq<T>(std::move(check_new)),
        source_embedding_(at("source_embedding"), config.source_vocabulary, config.embedding),
        target_embedding_(at("target_embedding"), config.target_vocabulary, config.embedding),
        encoder_(at("encoder"), config.cell, config.embedding, config.hidden),
        cell_(at(decoder_path_) / "cell", config.cell, config.embedding + config.hidden, config.hidden),
        generator_(at("generator"), config.hidden, config.target_vocabulary),
        dropout_(config.dropout) {
    if (!config.attention) return;
    attention_.emplace(at(decoder_path_), *config.attention, config.hidden);
    combine_.emplace(at(decoder_path_) / "combine", 2 * config.hidden, config.hidden);
  }

  Var<T> logits(const Tokens& source, const Tokens& target) const override {
    const Memory memory = read(source);
    const InModule here(decoder_path_);
    const Weights weights = on_tape(target.length);
    State state = start(memory);
    const Var<T> words = dropout_(target_embedding_(target));
    const auto length = static_cast<std::size_t>(target.length);
    const std::span<Var<T>> outputs{Tape<T>::current().template scratch<Var<T>>(length), length};
    for (std::size_t i = 0; i < length; ++i)
      outputs[i] = step(slice(words, 1, static_cast<int>(i), 1), weights, memory, state);
    return generator_(dropout_(concat(std::span<const Var<T>>(outputs), 1)));
  }

  Var<T> encode(const Tokens& source) const override { return read(source).states; }

  std::unique_ptr<Decoding<T>> decode(const Tokens& source, int) const override {
    return std::make_unique<StepByStep>(*this, source);
  }

 private:
  /// What the decoder knows of the source.
  struct Memory {
    Var<T> states, keys;           // [B, S, H]
    Var<T> context;                // [B, 1, H] the encoder's last hidden state
    std::span<const int> lengths;  // [B]
  };

  /// What the decoder knows of the words so far.
  struct State {
    RnnState<T> rnn;
    Var<T> feed;  // [B, 1, H] read with the next word: the context, or the last attentional state h̃
  };

  /// What every step multiplies by.
  struct Weights {
    LinearSteps<T> input, recurrent;
    std::optional<LinearSteps<T>> combine;
  };

  Path<T> at(const std::string& name) { return this->parameters().root() / name; }

  Memory read(const Tokens& source) const {
    const RnnEncoded<T> encoded = encoder_(dropout_(source_embedding_(source)), source.lengths);
    return {encoded.states, attention_ ? attention_->keys(encoded.states) : Var<T>(), encoded.last, source.lengths};
  }

  State start(const Memory& memory) const {
    return {cell_.start(memory.context),
            attention_ ? Tape<T>::current().zeros(memory.context.shape()) : memory.context};
  }

  Weights on_tape(int steps) const {
    Weights weights{cell_.input_steps(steps), cell_.recurrent_steps(steps), {}};
    if (attention_) weights.combine.emplace(combine_->steps(steps));
    return weights;
  }

  /// Reads one word and returns what the generator reads.   word: [B, 1, E]   returns [B, 1, H]
  Var<T> step(Var<T> word, const Weights& weights, const Memory& memory, State& state) const {
    const Var<T> input = weights.input(concat({word, state.feed}, -1));
    state.rnn = cell_.step(input, weights.recurrent(state.rnn.h), state.rnn);
    if (!attention_) return state.rnn.h;
    const Var<T> value = (*attention_)(state.rnn.h, memory.keys, memory.states, Mask::padding(memory.lengths));
    state.feed = tanh((*weights.combine)(concat({value, state.rnn.h}, -1)));
    return state.feed;
  }

  /// Produces words one by one; what it remembers lies outside the tape.
  class StepByStep : public Decoding<T> {
   public:
    StepByStep(const RnnSeq2Seq& model, const Tokens& source)
        : model_(model), lengths_(source.lengths.begin(), source.lengths.end()) {
      const NoGrad<T> no_grad(Tape<T>::current());
      const Memory memory = model.read(source);
      states_.keep(memory.states);
      keys_.keep(memory.keys);
      context_.keep(memory.context);
      remember(model.start(memory));
    }

    Var<T> next(std::span<const int> words) override {
      const NoGrad<T> no_grad(Tape<T>::current());
      const InModule here(model_.decoder_path_);
      const Memory memory{states_.on_tape("encoder_states"), keys_.on_tape("cached_keys"), context_.on_tape("context"),
                          lengths_};
      State state{{h_.on_tape("h"), c_.on_tape("c")}, feed_.on_tape("feed")};
      const Tokens last{words, static_cast<int>(words.size()), 1, {}};
      const Var<T> output =
          model_.step(model_.dropout_(model_.target_embedding_(last)), model_.on_tape(1), memory, state);
      remember(state);
      return model_.generator_(model_.dropout_(output));
    }

    void select(std::span<const int> rows) override {
      std::vector<int> lengths;
      for (int row : rows) lengths.push_back(lengths_[static_cast<std::size_t>(row)]);
      lengths_ = std::move(lengths);
      for (KeptValue<T>* kept : {&states_, &keys_, &context_, &h_, &c_, &feed_}) kept->select(rows);
    }

   private:
    void remember(const State& state) {
      h_.keep(state.rnn.h);
      c_.keep(state.rnn.c);
      feed_.keep(state.feed);
    }

    const RnnSeq2Seq& model_;
    std::vector<int> lengths_;
    KeptValue<T> states_, keys_, context_, h_, c_, feed_;
  };

  std::string decoder_path_ = "decoder";
  Embedding<T> source_embedding_, target_embedding_;
  RnnEncoder<T> encoder_;
  RnnCell<T> cell_;
  std::optional<RnnAttention<T>> attention_;
  std::optional<Linear<T>> combine_;
  Linear<T> generator_;
  Dropout<T> dropout_;
};

}  // namespace qkv
