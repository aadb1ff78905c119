// The way back through a head.

#include <fmt/format.h>

#include "qkv/study/explain/head_steps.h"

namespace qkv {

ExplainedStep& HeadSteps::add_gradient(const std::string& name, const std::string& title, const std::string& formula,
                                       std::vector<std::string> rows, std::vector<std::string> columns,
                                       const CheckedGradient& gradient, int i, int j) {
  ExplainedStep& step = add(name, title, formula, std::move(rows), std::move(columns), gradient.values);
  step.checked = gradient;
  step.row = i;
  step.column = j;
  return step;
}

void HeadSteps::add_projections(const HeadGradients& g) {
  for (const HeadGradients::Projection& projection : g.projections) {
    if (projection.name == "output") {
      add_output_projection(*g.projected, projection);
      continue;
    }
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

void HeadSteps::add_output_projection(const CheckedGradient& projected, const HeadGradients::Projection& projection) {
  spell_out(
      add_gradient("d projected", "what flows back into all heads together, behind the projection of their outputs",
                   "∂loss / ∂projected[i,r]", h_.rows, {}, projected, word_, 0),
      word_, 0);
  const int width = h_.output.columns, first = h_.head * width;
  ExplainedStep& weight = add_gradient(
      "d output.weight",
      fmt::format("the output projection's weight{}",
                  h_.heads > 1 ? fmt::format(", this head's columns {} to {}", first, first + width - 1) : ""),
      fmt::format("Σ over i of d projected[i,r] · output[i,c{}]", first > 0 ? fmt::format(" − {}", first) : ""), {}, {},
      projection.weight, 0, 0);
  weight.first_column = first;
  spell_out(weight, address_in(weight.name, 0, first));
  if (!projection.bias) return;
  spell_out(add_gradient("d output.bias", "the output projection's bias, which belongs to no head alone",
                         "Σ over i of d projected[i,r]", {"bias"}, {}, *projection.bias, 0, 0),
            "d output.bias[0]");
}

void HeadSteps::add_states(const HeadGradients& g, ExactDerivatives& exact) {
  const CheckedGradient &h = g.x_as_queries ? *g.x_as_queries : g.queries,
                        &as_keys = g.memory_as_keys ? *g.memory_as_keys : g.keys;
  spell_out(add_gradient("d h as queries", "the decoder's states, as far as they ask here",
                         h_.projects ? "Σ over r of d queries[i,r] · query.weight[r,c]"
                                     : "Σ over j of d scores[i,j] · states[j,c]",
                         h_.rows, {}, h, word_, 0),
            word_, 0);
  spell_out(
      add_gradient("d states as keys", "the encoder's states, as far as they are asked",
                   h_.projects ? "Σ over r of d keys[j,r] · key.weight[r,c]" : "Σ over i of d scores[i,j] · h[i,c]",
                   h_.columns, {}, as_keys, key_, 0),
      key_, 0);
  spell_out(add_gradient("d states as values", "the encoder's states, as far as they answer",
                         "Σ over i of weights[i,j] · d output[i,c]", h_.columns, {}, g.values, key_, 0),
            key_, 0);

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
  spell_out(
      add_gradient("d states through the recurrence", "the rest, which reaches a state through the states after it",
                   "∂loss/∂state[j] less d states[j]", h_.columns, {}, rest, key_, 0),
      key_, 0);
}

std::vector<ExplainedStep> HeadSteps::backward(ExactDerivatives& exact, const HeadGradientOptions& options) {
  const HeadGradients g = head_gradients(h_, exact, options);
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
    const NumberMatrix& exact_entries = step.checked->exact;
    if (step.row < exact_entries.rows && step.column < exact_entries.columns)
      step.cell->exact = exact_entries(step.row, step.column);
    step.cell->agrees = step.checked->agrees;
  }
  return std::move(steps_);
}

}  // namespace qkv
