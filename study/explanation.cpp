#include "qkv/study/explanation.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "qkv/layers/named.h"
#include "qkv/study/attention_view.h"

namespace qkv {

namespace {

std::string address_in(const std::string& name, int i, int j) { return fmt::format("{}[{},{}]", name, i, j); }

/// "features 16 to 31 of 64", where a head has its own part.
std::string part_of_features(const AttentionHeadMatrices& h, int width) {
  if (h.heads == 1) return "";
  return fmt::format(", this head's features {} to {}", h.head * width, (h.head + 1) * width - 1);
}

/// The steps of one head, in the order of reading.
class HeadSteps {
 public:
  HeadSteps(const SentencePass& pass, const AttentionHeadMatrices& head, int word)
      : pass_(pass), h_(head), word_(word), take_apart_(pass, ChosenHead{head.name, head.head}) {
    const double* row = &h_.weights(word, 0);
    key_ = static_cast<int>(std::max_element(row, row + h_.weights.columns) - row);
  }

  std::vector<ExplainedStep> forward();
  std::vector<ExplainedStep> backward(ExactDerivatives& exact, bool projections);

  const TakeApart& take_apart() const { return take_apart_; }

 private:
  ExplainedStep& add(const std::string& name, const std::string& title, const std::string& formula,
                     std::vector<std::string> rows, std::vector<std::string> columns, NumberMatrix values) {
    return steps_.emplace_back(
        ExplainedStep{name, title, formula, std::move(rows), std::move(columns), 0, std::move(values), {}, 0, 0, {}});
  }
  ExplainedStep& add_gradient(const std::string& name, const std::string& title, const std::string& formula,
                              std::vector<std::string> rows, std::vector<std::string> columns,
                              const CheckedGradient& gradient, int i, int j);
  void spell_out(ExplainedStep& step, const std::string& address) { step.cell = take_apart_.formula(address); }
  void spell_out(ExplainedStep& step, int i, int j) {
    step.row = i;
    step.column = j;
    spell_out(step, address_in(step.name, i, j));
  }
  void spell_out_node(ExplainedStep& step, const Node<double>* node, std::int64_t element) {
    step.row = static_cast<int>(element / step.values.columns);
    spell_out(step, to_text(take_apart_.names().address_of(node->index, element, false)));
  }
  /// A cell that is a sum of products of these addresses.
  void spell_out_sum(ExplainedStep& step, int i, int j, const std::string& expression,
                     const std::vector<std::pair<std::string, std::string>>& products);

  void words_and_positions();
  void recurrent_inputs();
  void add_projections(const HeadGradients& g);
  void add_states(const HeadGradients& g, ExactDerivatives& exact);

  const SentencePass& pass_;
  const AttentionHeadMatrices& h_;
  int word_, key_ = 0;
  TakeApart take_apart_;
  std::vector<ExplainedStep> steps_;
};

void HeadSteps::words_and_positions() {
  const bool is_source = h_.kind == AttentionKind::self;
  const std::vector<std::string>& words = is_source ? pass_.pair().source : pass_.pair().read;
  const std::string side = is_source ? "source" : "target";
  const Node<double>* embedded = embeddings_from(pass_, side + "_embedding.weight");
  const Node<double>* placed = nullptr;  // with positions
  for (const Node<double>* node : pass_.nodes())
    if (placed == nullptr && node->parent_count == 2 && node->parents[0] == embedded) placed = node;
  const int length = static_cast<int>(words.size()), width = embedded->shape.last();
  const auto of = [&](const Node<double>* node) {
    return NumberMatrix(length, width, [&](int i, int c) { return node->value[std::int64_t{i} * width + c]; });
  };
  const std::int64_t cell = std::int64_t{word_} * width;
  ExplainedStep& embeddings =
      add("embeddings", fmt::format("each word that the {} reads, as a vector", is_source ? "encoder" : "decoder"),
          "√d_model · the word's row of the embedding", words, {}, of(embedded));
  spell_out_node(embeddings, embedded, cell);
  if (placed == nullptr) return;
  const bool is_learnt = placed->parents[1]->needs_gradient;
  ExplainedStep& positions =
      add("positions", "what tells the places of words apart; added to their embeddings",
          is_learnt ? "the position's row of a table that is learnt"
                    : "even c: sin(i / 10000^(c/d_model)), odd c: cos of the same angle as c − 1",
          words, {}, of(placed->parents[1]));
  spell_out_node(positions, placed, cell);
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
  spell_out_node(keys, h_.records.front()->keys.node(), std::int64_t{key_} * h_.keys.columns);
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

ExplainedStep& HeadSteps::add_gradient(const std::string& name, const std::string& title, const std::string& formula,
                                       std::vector<std::string> rows, std::vector<std::string> columns,
                                       const CheckedGradient& gradient, int i, int j) {
  ExplainedStep& step = add(name, title, formula, std::move(rows), std::move(columns), gradient.values);
  step.checked = gradient;
  step.row = i;
  step.column = j;
  return step;
}

void HeadSteps::spell_out_sum(ExplainedStep& step, int i, int j, const std::string& expression,
                              const std::vector<std::pair<std::string, std::string>>& products) {
  Formula cell;
  cell.address = address_in(step.name, i, j);
  cell.value = step.values(i, j);
  cell.expression = expression;
  for (const auto& [a, b] : products)
    cell.terms.push_back(product({{a, a, take_apart_.formula(a).value}, {b, b, take_apart_.formula(b).value}}));
  step.cell = std::move(cell);
}

void HeadSteps::add_projections(const HeadGradients& g) {
  for (const HeadGradients::Projection& projection : g.projections) {
    const bool is_query = projection.name == "query", is_cross = h_.kind == AttentionKind::cross;
    const std::string source = is_query || !is_cross     ? h_.values_are_projected ? "x" : "h"
                               : h_.values_are_projected ? "memory"
                                                         : "states";
    const std::string gradient = projection.name == "query" ? "queries" : projection.name == "key" ? "keys" : "values";
    const int width = projection.weight.values.rows, first = h_.head * width;
    const std::string title = fmt::format(
        "the {} projection's weight{}", projection.name,
        h_.heads > 1 ? fmt::format(", this head's rows {} to {}", first, first + width - 1) : std::string());
    ExplainedStep& weight = add_gradient(fmt::format("d {}.weight", projection.name), title,
                                         fmt::format("Σ over i of d {}[i,r{}] · {}[i,c]", gradient,
                                                     first > 0 ? fmt::format(" − {}", first) : std::string(), source),
                                         {}, {}, projection.weight, 0, 0);
    weight.first_row = first;
    for (int r = 0; r < width; ++r) weight.rows.push_back(std::to_string(first + r));
    spell_out(weight, address_in(weight.name, first, 0));
    if (!projection.bias) continue;
    ExplainedStep& bias =
        add_gradient(fmt::format("d {}.bias", projection.name),
                     projection.name == "key"
                         ? "the key projection's bias: zero by mathematics, as it adds the same to all scores of "
                           "a query, and softmax takes that out"
                         : fmt::format("the {} projection's bias", projection.name),
                     fmt::format("Σ over i of d {}[i,r]", gradient), {"bias"}, {}, *projection.bias, 0, 0);
    spell_out(bias, fmt::format("{}[{}]", bias.name, first));
  }
}

void HeadSteps::add_states(const HeadGradients& g, ExactDerivatives& exact) {
  const CheckedGradient &h = g.x_as_queries ? *g.x_as_queries : g.queries,
                        &as_keys = g.memory_as_keys ? *g.memory_as_keys : g.keys;
  const auto products = [](int count, auto a, auto b) {
    std::vector<std::pair<std::string, std::string>> list;
    for (int i = 0; i < count; ++i) list.emplace_back(a(i), b(i));
    return list;
  };
  const int width = h_.queries.columns;
  ExplainedStep& of_h = add_gradient(
      "d h as queries", "the decoder's states, as far as they ask here",
      h_.projects ? "Σ over r of d queries[i,r] · query.weight[r,c]" : "Σ over j of d scores[i,j] · states[j,c]",
      h_.rows, {}, h, word_, 0);
  if (h_.projects)
    spell_out_sum(of_h, word_, 0, "Σ over r of d queries[i,r] · query.weight[r,c]",
                  products(
                      width, [&](int r) { return address_in("d queries", word_, r); },
                      [](int r) { return address_in("query.weight", r, 0); }));
  else
    spell_out_sum(of_h, word_, 0, "Σ over j of d scores[i,j] · states[j,c]",
                  products(
                      h_.keys.rows, [&](int j) { return address_in("d scores", word_, j); },
                      [](int j) { return address_in("states", j, 0); }));
  ExplainedStep& keys =
      add_gradient("d states as keys", "the encoder's states, as far as they are asked",
                   h_.projects ? "Σ over r of d keys[j,r] · key.weight[r,c]" : "Σ over i of d scores[i,j] · h[i,c]",
                   h_.columns, {}, as_keys, key_, 0);
  if (h_.projects)
    spell_out_sum(keys, key_, 0, "Σ over r of d keys[j,r] · key.weight[r,c]",
                  products(
                      width, [&](int r) { return address_in("d keys", key_, r); },
                      [](int r) { return address_in("key.weight", r, 0); }));
  else
    spell_out_sum(keys, key_, 0, "Σ over i of d scores[i,j] · h[i,c]",
                  products(
                      h_.queries.rows, [&](int i) { return address_in("d scores", i, key_); },
                      [](int i) { return address_in("h", i, 0); }));
  ExplainedStep& values = add_gradient("d states as values", "the encoder's states, as far as they answer",
                                       "Σ over i of weights[i,j] · d output[i,c]", h_.columns, {}, g.values, key_, 0);
  spell_out_sum(values, key_, 0, "Σ over i of weights[i,j] · d output[i,c]",
                products(
                    h_.queries.rows, [&](int i) { return address_in("weights", i, key_); },
                    [](int i) { return address_in("d output", i, 0); }));

  // The states are joined into one value for the attention; each also goes on into the next state.
  const Node<double>* joined = h_.records.front()->values.node();
  const int columns = h_.values.columns;
  CheckedGradient here = gradient_on_tape(exact, h_.keys.rows, columns, [&](int j, int c) {
    return TapePlace{joined->index, std::int64_t{j} * columns + c};
  });
  for (std::size_t e = 0; e < here.values.numbers.size(); ++e)
    here.compare(as_keys.values.numbers[e] + g.values.values.numbers[e], here.values.numbers[e],
                 here.scale.numbers[e] + as_keys.scale.numbers[e] + g.values.scale.numbers[e]);
  ExplainedStep& both = add_gradient("d states", "both together: all that the attention sends to the states",
                                     "d states as keys[j,c] + d states as values[j,c]", h_.columns, {}, here, key_, 0);
  spell_out(both, key_, 0);
  if (joined->parent_count != static_cast<std::int32_t>(h_.columns.size())) return;
  CheckedGradient all = gradient_on_tape(exact, h_.keys.rows, columns, [&](int j, int c) {
    return TapePlace{joined->parents[j]->index, c};
  });
  CheckedGradient rest = all;
  rest.largest_difference = 0;
  for (std::size_t e = 0; e < rest.values.numbers.size(); ++e) {
    rest.values.numbers[e] -= here.values.numbers[e];
    rest.exact.numbers[e] -= here.exact.numbers[e];
    rest.scale.numbers[e] += here.scale.numbers[e];
    rest.compare(rest.values.numbers[e], rest.exact.numbers[e], rest.scale.numbers[e]);
  }
  add_gradient("d states through the recurrence", "the rest, which reaches a state through the states after it",
               "∂loss/∂state[j] less d states[j]", h_.columns, {}, rest, key_, 0);
}

std::vector<ExplainedStep> HeadSteps::backward(ExactDerivatives& exact, bool projections) {
  const HeadGradients g = head_gradients(h_, exact, projections);
  const bool is_rnn = !h_.values_are_projected, is_scaled = !h_.is_additive && h_.scale != 1;
  const std::string answers = is_rnn ? "states" : "values";
  spell_out(
      add_gradient("d output", is_rnn ? "what flows back into the attention value" : "what flows back into this head",
                   "∂loss / ∂output[i,c]", h_.rows, {}, g.output, word_, 0),
      word_, 0);
  if (!is_rnn)
    spell_out(add_gradient("d values", "each value, by the weights that it was taken with",
                           "Σ over i of weights[i,j] · d output[i,c]", h_.columns, {}, g.values, key_, 0),
              key_, 0);
  spell_out(add_gradient("d weights", "how the loss would change with each weight alone",
                         fmt::format("Σ over c of d output[i,c] · {}[j,c]", answers), h_.rows, h_.columns, g.weights,
                         word_, key_),
            word_, key_);
  ExplainedStep& sigma = add_gradient(
      "sigma", "Σ of the softmax: what all weights of a row have in common; they sum to 1, so it is no use",
      "Σ over j of weights[i,j] · d weights[i,j]", h_.rows, {"Σ"}, g.sigma, word_, 0);
  spell_out(sigma, fmt::format("sigma[{}]", word_));
  if (is_scaled)
    spell_out(add_gradient("d scaled", "through the softmax: only what differs from the common part moves a score",
                           "weights[i,j] · (d weights[i,j] − sigma[i])", h_.rows, h_.columns, g.scaled, word_, key_),
              word_, key_);
  spell_out(add_gradient("d scores",
                         is_scaled ? "through the scaling"
                                   : "through the softmax: only what differs from the common part moves a score",
                         is_scaled ? fmt::format("{:.6g} · d scaled[i,j]", h_.scale)
                                   : "weights[i,j] · (d weights[i,j] − sigma[i])",
                         h_.rows, h_.columns, g.scores, word_, key_),
            word_, key_);
  if (h_.projects) {
    const bool is_sum = h_.is_additive;
    spell_out(add_gradient("d queries", "each query, by the keys that it was compared with",
                           is_sum ? "Σ over j of d scores[i,j] · energy[c] · (1 − hidden[i,j,c]²)"
                                  : "Σ over j of d scores[i,j] · keys[j,c]",
                           h_.rows, {}, g.queries, word_, 0),
              word_, 0);
    ExplainedStep& keys = add_gradient("d keys", "each key, by the queries that it was compared with",
                                       is_sum ? "Σ over i of d scores[i,j] · energy[c] · (1 − hidden[i,j,c]²)"
                                              : "Σ over i of d scores[i,j] · queries[i,c]",
                                       h_.columns, {}, g.keys, key_, 0);
    spell_out(keys, key_, 0);
  }
  if (g.energy) {
    ExplainedStep& energy =
        add_gradient("d energy", "the vector that weighs the features of hidden",
                     "Σ over i, j of d scores[i,j] · hidden[i,j,c]", {"energy"}, {}, *g.energy, 0, 0);
    spell_out(energy, "d energy[0]");
  }
  add_projections(g);
  if (is_rnn) add_states(g, exact);
  for (ExplainedStep& step : steps_) {  // beside the cell's number, the exact one
    if (!step.cell || !step.checked) continue;
    step.cell->exact = step.checked->exact(step.row, step.column);
    step.cell->agrees = step.checked->agrees;
  }
  return std::move(steps_);
}

std::string name_of_score(const AttentionHeadMatrices& head, const SentencePass& pass) {
  if (const auto* rnn = std::get_if<RnnConfig>(&pass.trained().config.model); rnn != nullptr && rnn->attention)
    return name_of(*rnn->attention);
  return head.is_additive ? "additive" : "scaled-dot";
}

}  // namespace

ExactDerivatives& Explainer::exact() {
  if (exact_ == nullptr) exact_ = std::make_unique<ExactDerivatives>(pass_);
  return *exact_;
}

const LearningStep& Explainer::learning_step(double rate) {
  if (learning_ == nullptr || learning_->rate() != rate) learning_ = std::make_unique<LearningStep>(exact(), rate);
  return *learning_;
}

Explanation Explainer::explain(const ExplainOptions& options) {
  Explanation explanation;
  if (attention_layers(pass_, AttentionKind::cross).empty() && !options.layer && !options.head &&
      options.kind == AttentionKind::cross)
    explanation = of_fixed_context(options);
  else
    explanation = of_head(attention_head(pass_, options.kind, options.layer, options.head), options);
  explanation.pair = pass_.pair();
  explanation.model = name_of(pass_.trained().config.model);
  explanation.loss = pass_.loss().item();
  if (options.backward) {
    const LearningStep& step = learning_step(options.rate.value_or(pass_.trained().config.lr));
    ExplainedLearning& learning = explanation.learning.emplace();
    learning.rate = step.rate();
    learning.loss_before = step.loss_before();
    learning.loss_after = step.loss_after();
    learning.loss_predicted = step.loss_predicted();
    if (explanation.attention) {
      const AttentionHeadMatrices head =
          attention_head(pass_, options.kind, explanation.attention->layer, explanation.attention->head);
      learning.before = head.weights;
      learning.predicted = step.predicted_change(head);
      learning.actual = step.actual_change(head);
    }
  }
  return explanation;
}

Explanation Explainer::of_head(const AttentionHeadMatrices& head, const ExplainOptions& options) {
  Explanation explanation;
  explanation.word = options.word.value_or(head.weights.rows / 2);
  check(explanation.word >= 0 && explanation.word < head.weights.rows,
        "word {} does not exist; the words that ask in this attention are 0 to {}", explanation.word,
        head.weights.rows - 1);
  explanation.attention = ExplainedAttention{head.name,
                                             head.kind,
                                             head.layer,
                                             head.layers,
                                             head.head,
                                             head.heads,
                                             head.scale,
                                             name_of_score(head, pass_),
                                             !options.head && head.heads > 1,
                                             head.rows,
                                             head.columns};
  HeadSteps steps(pass_, head, explanation.word);
  if (options.of) {
    explanation.of = take_apart_number(steps.take_apart(), *options.of);
    return explanation;
  }
  explanation.forward = steps.forward();
  if (!options.backward) return explanation;
  explanation.backward = steps.backward(exact(), options.projections);
  if (!head.values_are_projected) {
    const int source_word = std::min(explanation.word, static_cast<int>(head.columns.size()) - 1);
    for (ExplainedStep& step : reach_of_words(exact(), steps.take_apart(), source_word))
      explanation.backward.push_back(std::move(step));
  }
  return explanation;
}

Formula Explainer::take_apart_number(const TakeApart& take_apart, const std::string& address) {
  return take_apart.formula(address, parse_address(address).gradient ? &exact() : nullptr);
}

Explanation Explainer::of_fixed_context(const ExplainOptions& options) {
  const TakeApart take_apart(pass_, {});
  const SentencePair& pair = pass_.pair();
  Explanation explanation;
  const int words = static_cast<int>(pair.predicted.size()), source_words = static_cast<int>(pair.source.size());
  explanation.word = options.word.value_or(words / 2);
  check(explanation.word >= 0 && explanation.word < words, "word {} does not exist; the words predicted are 0 to {}",
        explanation.word, words - 1);
  if (options.of) {
    explanation.of = take_apart_number(take_apart, *options.of);
    return explanation;
  }
  const int source_word = std::min(explanation.word, source_words - 1);
  const auto place = [&](const std::string& name, int i, int c, bool is_row) {
    const NamedValues::Place found =
        take_apart.names().find({false, name, is_row ? std::vector<int>{i, c} : std::vector<int>{0, c}});
    return TapePlace{found.quantity, found.element};
  };
  struct Described {
    std::string name, title;
    std::vector<std::string> rows;
    int row;
  };
  const std::vector<Described> values{
      {"states", "the encoder's hidden states, each made of a word and the state before", pair.source, source_word},
      {"context", "the one context vector, the last hidden state: all that the decoder gets", {"context"}, 0},
      {"h", "the decoder's hidden states, each made of the context, the word before and the state before",
       pair.predicted, explanation.word}};
  for (const auto& [name, title, rows, row] : values) {
    const int width = take_apart.names().sizes_of(name).back();
    const std::string named = name;
    const NumberMatrix numbers(static_cast<int>(rows.size()), width, [&](int i, int c) {
      const TapePlace at = place(named, i, c, true);
      return take_apart.quantities().value(at.node, at.element);
    });
    explanation.forward.push_back(
        {name, title, "", rows, {}, 0, numbers, take_apart.formula(address_in(name, row, 0)), row, 0, {}});
  }
  if (!options.backward) return explanation;
  const std::vector<Described> gradients{
      {"context", "what of ∂loss comes back through the one vector", {"context"}, 0},
      {"states", "the same, from state to state: nothing reaches a word but through all that come after it",
       pair.source, source_word}};
  for (const auto& [name, title, rows, row] : gradients) {
    const std::string named = name;
    const int width = take_apart.names().sizes_of(name).back();
    CheckedGradient gradient = gradient_on_tape(exact(), static_cast<int>(rows.size()), width,
                                                [&](int i, int c) { return place(named, i, c, true); });
    const std::string gradient_name = fmt::format("d {}", name);
    Formula cell = take_apart.formula(address_in(gradient_name, row, 0));
    cell.exact = gradient.exact(row, 0);
    cell.agrees = gradient.agrees;
    explanation.backward.push_back({gradient_name, title, "", rows, {}, 0, gradient.values, cell, row, 0, gradient});
  }
  for (ExplainedStep& step : reach_of_words(exact(), take_apart, source_word))
    explanation.backward.push_back(std::move(step));
  return explanation;
}

}  // namespace qkv
