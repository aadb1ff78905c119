#include "qkv/study/explain/head_steps.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>

namespace qkv {
namespace {

/// "features 16 to 31 of 64", where a head has its own part.
std::string part_of_features(const AttentionHeadMatrices& h, int width) {
  if (h.heads == 1) return "";
  return fmt::format(", this head's features {} to {}", h.head * width, (h.head + 1) * width - 1);
}

}  // namespace

HeadSteps::HeadSteps(const SentencePass& pass, const AttentionHeadMatrices& head, int word)
    : pass_(pass), h_(head), word_(word), take_apart_(pass, ChosenHead{head.name, head.head}) {
  const double* row = &h_.weights(word, 0);
  key_ = static_cast<int>(std::max_element(row, row + h_.weights.columns) - row);
}

ExplainedStep& HeadSteps::add(const std::string& name, const std::string& title, const std::string& formula,
                              std::vector<std::string> rows, std::vector<std::string> columns, NumberMatrix values) {
  return steps_.emplace_back(
      ExplainedStep{name, title, formula, std::move(rows), std::move(columns), 0, 0, std::move(values), {}, 0, 0, {}});
}

void HeadSteps::words_and_positions() {
  const bool is_source = h_.kind == AttentionKind::self;
  const std::vector<std::string>& words = is_source ? pass_.pair().source : pass_.pair().read;
  const auto numbers = [&](const std::string& name) {
    return NumberMatrix(static_cast<int>(words.size()), take_apart_.names().sizes_of(name).back(), [&](int i, int c) {
      const NamedValues::Place place = take_apart_.names().find({false, name, {i, c}});
      return take_apart_.quantities().value(place.quantity, place.element);
    });
  };
  spell_out(
      add("embeddings", fmt::format("each word that the {} reads, as a vector", is_source ? "encoder" : "decoder"),
          "√d_model · the word's row of the embedding", words, {}, numbers("embeddings")),
      word_, 0);
  const bool is_learnt = pass_.parameter(is_source ? "source_positions.weight" : "target_positions.weight") != nullptr;
  spell_out(add("positions", "what tells the places of words apart; added to their embeddings",
                is_learnt ? "the position's row of a table that is learnt"
                          : "even c: sin(i / 10000^(c/d_model)), odd c: cos of the same angle as c − 1",
                words, {}, numbers("positions")),
            word_, 0);
}

void HeadSteps::recurrent_inputs() {
  ExplainedStep& states = add("states", "the encoder's hidden states: what is asked, and what answers", "", h_.columns,
                              {}, NumberMatrix(h_.values));
  spell_out(states, key_, 0);
  ExplainedStep& h = add("h", "the decoder's hidden states: what asks", "", h_.rows, {}, NumberMatrix(h_.x));
  spell_out(h, word_, 0);
  if (!h_.projects) return;
  ExplainedStep& queries =
      add("queries", "the decoder's states, projected", "query.weight · h[i]", h_.rows, {}, h_.queries);
  spell_out(queries, word_, 0);
  ExplainedStep& keys =
      add("keys", "the encoder's states, projected", "key.weight · states[j]", h_.columns, {}, h_.keys);
  spell_out(keys, key_, 0);
  const NumberMatrix hidden(h_.keys.rows, h_.keys.columns,
                            [&](int j, int c) { return std::tanh(h_.queries(word_, c) + h_.keys(j, c)); });
  ExplainedStep& inside = add("hidden", fmt::format("both together, for the word that asks here, number {}", word_),
                              "tanh(queries[i,c] + keys[j,c])", h_.columns, {}, hidden);
  inside.row = key_;
  spell_out(inside, fmt::format("hidden[{},{},0]", word_, key_));
}

std::vector<ExplainedStep> HeadSteps::forward() {
  const bool is_rnn = !h_.values_are_projected;
  if (is_rnn) {
    recurrent_inputs();
  } else {
    words_and_positions();
    spell_out(add("x", "what asks: the input of this attention", "", h_.rows, {}, h_.x), word_, 0);
    if (h_.kind == AttentionKind::cross)
      spell_out(add("memory", "what is asked: the encoder's output", "", h_.columns, {}, h_.memory), key_, 0);
    const std::string asked = h_.kind == AttentionKind::cross ? "memory" : "x";
    const auto part = [&](int width) { return part_of_features(h_, width); };
    spell_out(add("queries", fmt::format("what each word asks for{}", part(h_.queries.columns)),
                  "query.weight · x[i] + query.bias", h_.rows, {}, h_.queries),
              word_, 0);
    spell_out(add("keys", fmt::format("what each word can be asked for{}", part(h_.keys.columns)),
                  fmt::format("key.weight · {}[j] + key.bias", asked), h_.columns, {}, h_.keys),
              key_, 0);
    spell_out(add("values", fmt::format("what each word answers{}", part(h_.values.columns)),
                  fmt::format("value.weight · {}[j] + value.bias", asked), h_.columns, {}, h_.values),
              key_, 0);
  }
  const std::string products = is_rnn ? "h[i] · states[j]" : "queries[i] · keys[j]";
  spell_out(add("scores", is_rnn ? "score: how well each hidden state fits" : "how well each key answers each query",
                h_.is_additive ? "Σ over c of energy[c] · tanh(queries[i,c] + keys[j,c])" : products, h_.rows,
                h_.columns, h_.scores),
            word_, key_);
  const bool is_scaled = !h_.is_additive && h_.scale != 1;
  if (is_scaled)
    spell_out(add("scaled", "the scores, made independent of how many features a query has",
                  fmt::format("{:.6g} · scores[i,j], with {:.6g} = 1/√{}", h_.scale, h_.scale, h_.queries.columns),
                  h_.rows, h_.columns, h_.scaled),
              word_, key_);
  if (h_.kind == AttentionKind::causal) {
    const NumberMatrix masked(h_.scaled.rows, h_.scaled.columns, [&](int i, int j) {
      return h_.sees(i, j) ? h_.scaled(i, j) : std::numeric_limits<double>::quiet_NaN();
    });
    spell_out(add("masked", "words that come later are hidden", "scaled[i,j] where j ≤ i", h_.rows, h_.columns, masked),
              word_, key_);
  }
  const char* before = h_.kind == AttentionKind::causal ? "masked" : is_scaled ? "scaled" : "scores";
  spell_out(
      add("weights", is_rnn ? "distribution: the scores as shares of 1" : "the scores as a distribution: shares of 1",
          fmt::format("softmax over j of {}[i,j]", before), h_.rows, h_.columns, h_.weights),
      word_, key_);
  spell_out(add("output",
                is_rnn ? "attention value: the hidden states by these weights"
                       : "the values by these weights: the output of this head",
                fmt::format("Σ over j of weights[i,j] · {}[j]", is_rnn ? "states" : "values"), h_.rows, {}, h_.output),
            word_, 0);
  return std::move(steps_);
}

}  // namespace qkv
