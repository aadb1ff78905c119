#include "qkv/study/check_operations.h"

#include "qkv/autograd/ops.h"

namespace qkv {
namespace {

const std::vector<int> word_ids{3, 1, 3, 0, 3, 4};     // one occurs three times, 2 never
const std::vector<int> target_ids{2, -1, 0, 6, 2, 2};  // the second is ignored
const std::vector<int> padded_ids{5, 0, 1, 6, 2, 0};   // 0 is padding
const std::vector<int> lengths{3, 5};                  // of two sentences with five keys
const std::vector<int> short_lengths{4, 0};            // a sentence without words: nothing to look at
const std::vector<double> away_from_zero{0.8, -1.3, 2.1, 0.6, -0.9, 1.4};

/// What attention computes, as a list: the output and the weights, so that both are differentiated.
template <class T>
std::vector<Var<T>> both(Attended<T> attended) {
  return {attended.output, attended.weights};
}

/// The state and the cell, so that both are differentiated.
template <class T>
std::vector<Var<T>> both(LstmState<T> state) {
  return {state.h, state.c};
}

/// x after dropout with probability 0.4, as in the fourth step of a training.
template <class T>
Var<T> dropped(Var<T> x) {
  Tape<T>::current().draws = {.seed = 7, .step = 4, .first_row = 2, .training = true};
  return dropout(x, 0.4);
}

/// Attention whose weights are dropped with probability 0.4, as in the fourth step of a training.
template <class T>
std::vector<Var<T>> dropped(Var<T> q, Var<T> k, Var<T> v, Mask mask) {
  Tape<T>::current().draws = {.seed = 7, .step = 4, .first_row = 2, .training = true};
  return both(attention(q, k, v, mask, 2, {}, 0.4));
}

}  // namespace

const std::vector<OperationCase>& operation_cases() {
  static const std::vector<OperationCase> cases{
      {"add", [](auto x) { return add(x[0], x[1]); }, {{"x", {2, 3, 4}}, {"y", {2, 3, 4}}}},
      {"add to itself", [](auto x) { return add(x[0], x[0]); }, {{"x", {3, 4}}}},
      {"add_bias", [](auto x) { return add_bias(x[0], x[1]); }, {{"x", {2, 3, 4}}, {"b", {4}}}, {{"rows", 6}}},
      {"add_layer_norm",
       [](auto x) { return add_layer_norm(x[0], x[1], x[2], x[3]); },
       {{"x", {2, 3, 6}}, {"r", {2, 3, 6}}, {"weight", {6}}, {"bias", {6}}},
       {{"rows", 6}, {"width", 6}}},
      {"add_layer_norm to itself",
       [](auto x) { return add_layer_norm(x[0], x[0], x[1], x[2]); },
       {{"x", {4, 6}}, {"weight", {6}}, {"bias", {6}}},
       {{"rows", 4}, {"width", 6}}},
      {"add_positions",
       [](auto x) { return add_positions(x[0], x[1], 1); },
       {{"x", {2, 3, 4}}, {"table", {5, 4}}},
       {{"batch", 2}}},
      {"additive_scores",
       [](auto x) { return additive_scores(x[0], x[1], x[2]); },
       {{"q", {2, 3, 4}}, {"k", {2, 5, 4}}, {"e", {4}}},
       {{"queries", 3}, {"keys", 5}, {"width", 4}}},
      {"additive_scores of itself",
       [](auto x) { return additive_scores(x[0], x[0], x[1]); },
       {{"x", {2, 3, 4}}, {"e", {4}}},
       {{"queries", 3}, {"width", 4}}},
      {"attention",
       [](auto x) { return both(attention(x[0], x[1], x[2])); },
       {{"q", {2, 4, 6}}, {"k", {2, 5, 6}}, {"v", {2, 5, 3}}},
       {{"keys", 5}, {"width", 6}}},
      {"attention heads",
       [](auto x) { return both(attention(x[0], x[1], x[2], Mask::none(), 2)); },
       {{"q", {2, 4, 6}}, {"k", {2, 5, 6}}, {"v", {2, 5, 4}}},
       {{"heads", 2}, {"keys", 5}, {"width", 6}, {"head width", 3}}},
      {"attention scale",
       [](auto x) { return attention(x[0], x[1], x[2], Mask::none(), 1, 0.7).output; },
       {{"q", {1, 4, 3}}, {"k", {1, 5, 3}}, {"v", {1, 5, 3}}},
       {{"keys", 5}, {"width", 3}}},
      {"attention padding",
       [](auto x) { return both(attention(x[0], x[1], x[2], Mask::padding(lengths), 2)); },
       {{"q", {2, 4, 6}}, {"k", {2, 5, 6}}, {"v", {2, 5, 6}}},
       {{"heads", 2}, {"keys", 5}, {"width", 6}, {"head width", 3}}},
      {"attention padding, nothing to see",
       [](auto x) { return both(attention(x[0], x[1], x[2], Mask::padding(short_lengths), 2)); },
       {{"q", {2, 4, 6}}, {"k", {2, 5, 6}}, {"v", {2, 5, 6}}},
       {{"heads", 2}, {"keys", 5}, {"width", 6}, {"head width", 3}}},
      {"attention causal",
       [](auto x) { return both(attention(x[0], x[1], x[2], Mask::causal(), 2)); },
       {{"q", {2, 5, 6}}, {"k", {2, 5, 6}}, {"v", {2, 5, 6}}},
       {{"heads", 2}, {"keys", 5}, {"width", 6}, {"head width", 3}}},
      {"attention causal, last queries",
       [](auto x) { return both(attention(x[0], x[1], x[2], Mask::causal())); },
       {{"q", {2, 2, 3}}, {"k", {2, 5, 3}}, {"v", {2, 5, 3}}},
       {{"keys", 5}, {"width", 3}}},
      {"attention causal padding",
       [](auto x) { return both(attention(x[0], x[1], x[2], Mask::causal_padding(lengths), 2)); },
       {{"q", {2, 5, 6}}, {"k", {2, 5, 6}}, {"v", {2, 5, 6}}},
       {{"heads", 2}, {"keys", 5}, {"width", 6}, {"head width", 3}}},
      {"attention dropout",
       [](auto x) { return dropped(x[0], x[1], x[2], Mask::padding(lengths)); },
       {{"q", {2, 4, 6}}, {"k", {2, 5, 6}}, {"v", {2, 5, 6}}},
       {{"heads", 2}, {"keys", 5}, {"width", 6}, {"head width", 3}}},
      {"attention dropout, causal, to itself",
       [](auto x) { return dropped(x[0], x[0], x[0], Mask::causal_padding(lengths)); },
       {{"x", {2, 5, 6}}},
       {{"heads", 2}, {"keys", 5}, {"width", 6}, {"head width", 3}}},
      {"attention to itself",
       [](auto x) { return both(attention(x[0], x[0], x[0], Mask::causal_padding(lengths), 2)); },
       {{"x", {2, 5, 6}}},
       {{"heads", 2}, {"keys", 5}, {"width", 6}, {"head width", 3}}},
      {"attention weights only",
       [](auto x) { return attention(x[0], x[1], x[1], Mask::padding(lengths)).weights; },
       {{"q", {2, 4, 3}}, {"k", {2, 5, 3}}},
       {{"keys", 5}, {"width", 3}}},
      {"concat features",
       [](auto x) {
         return concat({x[0], x[1]}, -1);
       },
       {{"x", {2, 3, 2}}, {"y", {2, 3, 4}}}},
      {"concat positions",
       [](auto x) {
         return concat({x[0], x[1], x[0]}, 1);
       },
       {{"x", {2, 3, 2}}, {"y", {2, 1, 2}}}},
      {"concat batch",
       [](auto x) {
         return concat({x[0], x[1]}, 0);
       },
       {{"x", {1, 3, 2}}, {"y", {2, 3, 2}}}},
      {"cross_entropy",
       [](auto x) { return cross_entropy(x[0], target_ids); },
       {{"logits", {2, 3, 7}}},
       {{"rows", 6}, {"rows that count", 5}, {"classes", 7}}},
      {"cross_entropy smoothing",
       [](auto x) { return cross_entropy(x[0], target_ids, {.smoothing = 0.1}); },
       {{"logits", {2, 3, 7}}},
       {{"rows", 6}, {"rows that count", 5}, {"classes", 7}}},
      {"cross_entropy divided",
       [](auto x) { return cross_entropy(x[0], padded_ids, {.ignore = 0, .smoothing = 0.1, .divide_by = 11}); },
       {{"logits", {6, 7}}},
       {{"rows", 6}, {"rows that count", 4}, {"divisor", 11}, {"classes", 7}}},
      {"divide", [](auto x) { return divide(x[0], x[1]); }, {{"x", {3, 2}}, {"y", {3, 2}, away_from_zero}}},
      {"divide by itself", [](auto x) { return x[0] / (2.0 * x[0] + 3.0); }, {{"x", {3, 2}, away_from_zero}}},
      {"dropout", [](auto x) { return dropped(x[0]); }, {{"x", {2, 3, 4}}}},
      {"dropout features", [](auto x) { return dropped(x[0]); }, {{"x", {9}}}},
      {"dropout rows", [](auto x) { return dropped(x[0]); }, {{"x", {3, 5}}}},
      {"dropout heads", [](auto x) { return dropped(x[0]); }, {{"x", {2, 2, 3, 4}}}},
      {"embedding",
       [](auto x) {
         return embedding(x[0], word_ids, {2, 3});
       },
       {{"table", {5, 4}}},
       {{"uses of an id", 3}, {"width", 4}}},
      {"embedding factor",
       [](auto x) { return embedding(x[0], word_ids, {6}, 2.5); },
       {{"table", {5, 4}}},
       {{"uses of an id", 3}, {"width", 4}}},
      {"exp", [](auto x) { return exp(x[0]); }, {{"x", {3, 5}}}},
      {"gelu", [](auto x) { return gelu(x[0]); }, {{"x", {3, 5}}}},
      {"gru_gates",
       [](auto x) { return gru_gates(x[0], x[1], x[2]); },
       {{"a", {3, 12}}, {"b", {3, 12}}, {"h", {3, 4}}}},
      {"hold_ended", [](auto x) { return hold_ended(x[0], x[1], lengths, 3); }, {{"next", {2, 4}}, {"last", {2, 4}}}},
      {"layer_norm",
       [](auto x) { return layer_norm(x[0], x[1], x[2]); },
       {{"x", {2, 3, 6}}, {"weight", {6}}, {"bias", {6}}},
       {{"rows", 6}, {"width", 6}}},
      {"linear",
       [](auto x) { return linear(x[0], x[1], x[2]); },
       {{"x", {2, 3, 4}}, {"w", {5, 4}}, {"b", {5}}},
       {{"rows", 6}, {"inputs", 4}, {"outputs", 5}}},
      {"linear without bias",
       [](auto x) { return linear(x[0], x[1]); },
       {{"x", {2, 3, 4}}, {"w", {5, 4}}},
       {{"rows", 6}, {"inputs", 4}, {"outputs", 5}}},
      {"linear_relu",
       [](auto x) { return linear_relu(x[0], x[1], x[2]); },
       {{"x", {2, 3, 4}}, {"w", {5, 4}}, {"b", {5}}},
       {{"rows", 6}, {"inputs", 4}, {"outputs", 5}}},
      {"linear_transposed",
       [](auto x) { return linear_transposed(x[0], x[1], x[2], transposed_copy(x[1])); },
       {{"x", {2, 3, 4}}, {"w", {5, 4}}, {"b", {5}}},
       {{"rows", 6}, {"inputs", 4}, {"outputs", 5}}},
      {"log", [](auto x) { return log(x[0]); }, {{"x", {2, 3}, {0.3, 1.7, 0.9, 5, 2.2, 0.05}}}},
      {"lstm_gates",
       [](auto x) { return both(lstm_gates(x[0], x[1], x[2])); },
       {{"a", {3, 16}}, {"b", {3, 16}}, {"c", {3, 4}}}},
      {"lstm_gates state only",
       [](auto x) { return lstm_gates(x[0], x[0], x[1]).h; },
       {{"a", {2, 3, 8}}, {"c", {2, 3, 2}}}},
      {"matmul", [](auto x) { return matmul(x[0], x[1]); }, {{"a", {3, 4}}, {"b", {4, 5}}}, {{"inner dimension", 4}}},
      {"matmul heads",
       [](auto x) { return matmul(x[0], x[1]); },
       {{"a", {2, 2, 3, 4}}, {"b", {2, 2, 4, 3}}},
       {{"heads", 2}, {"inner dimension", 4}}},
      {"matmul squared", [](auto x) { return matmul(x[0], x[0]); }, {{"a", {2, 3, 3}}}},
      {"max features", [](auto x) { return max(x[0], -1); }, {{"x", {2, 3, 4}}}},
      {"max positions", [](auto x) { return max(x[0], 1); }, {{"x", {2, 3, 4}}}},
      {"mean", [](auto x) { return mean(x[0]); }, {{"x", {2, 3, 4}}}, {{"numbers", 24}}},
      {"mean features", [](auto x) { return mean(x[0], -1); }, {{"x", {2, 3, 4}}}, {{"features", 4}}},
      {"mean positions", [](auto x) { return mean(x[0], 1); }, {{"x", {2, 3, 4}}}, {{"positions", 3}}},
      {"mean_squared_error",
       [](auto x) { return mean_squared_error(x[0], x[1]); },
       {{"y", {2, 3}}, {"target", {2, 3}}},
       {{"numbers", 6}}},
      {"merge_heads", [](auto x) { return merge_heads(x[0]); }, {{"x", {2, 2, 3, 4}}}, {{"heads", 2}}},
      {"multiply", [](auto x) { return multiply(x[0], x[1]); }, {{"x", {2, 3, 4}}, {"y", {2, 3, 4}}}},
      {"multiply by itself", [](auto x) { return multiply(x[0], x[0]); }, {{"x", {3, 4}}}},
      {"relu", [](auto x) { return relu(x[0]); }, {{"x", {3, 5}}}},
      {"reshape",
       [](auto x) {
         return reshape(x[0], {4, 3});
       },
       {{"x", {2, 6}}}},
      {"scale", [](auto x) { return scale(x[0], -1.7); }, {{"x", {3, 5}}}},
      {"scale operators", [](auto x) { return -(2.0 * x[0] + x[0] / 4.0) * 0.3; }, {{"x", {3, 5}}}},
      {"shift", [](auto x) { return shift(x[0], 0.7); }, {{"x", {3, 5}}}},
      {"shift operators",
       [](auto x) { return (1.0 - x[0]) * (x[0] + 2.0) * (3.0 + x[0]) * (x[0] - 0.5); },
       {{"x", {3, 5}}}},
      {"sigmoid", [](auto x) { return sigmoid(x[0]); }, {{"x", {3, 5}}}},
      {"slice features", [](auto x) { return slice(x[0], -1, 1, 3); }, {{"x", {2, 3, 5}}}},
      {"slice positions", [](auto x) { return slice(x[0], 1, 2, 2); }, {{"x", {2, 4, 3}}}},
      {"slice batch", [](auto x) { return slice(x[0], 0, 0, 1); }, {{"x", {2, 4, 3}}}},
      {"softmax", [](auto x) { return softmax(x[0]); }, {{"x", {3, 5}}}, {{"keys", 5}}},
      {"softmax padding",
       [](auto x) { return softmax(x[0], Mask::padding(lengths)); },
       {{"x", {2, 2, 3, 5}}},
       {{"keys", 5}}},
      {"softmax causal padding",
       [](auto x) { return softmax(x[0], Mask::causal_padding(lengths)); },
       {{"x", {2, 5, 5}}},
       {{"keys", 5}}},
      {"split_heads", [](auto x) { return split_heads(x[0], 2); }, {{"x", {2, 3, 8}}}, {{"heads", 2}}},
      {"subtract", [](auto x) { return subtract(x[0], x[1]); }, {{"x", {2, 3, 4}}, {"y", {2, 3, 4}}}},
      {"sum", [](auto x) { return sum(x[0]); }, {{"x", {2, 3, 4}}}, {{"numbers", 24}}},
      {"sum features", [](auto x) { return sum(x[0], -1); }, {{"x", {2, 3, 4}}}, {{"features", 4}}},
      {"sum positions", [](auto x) { return sum(x[0], 1); }, {{"x", {2, 3, 4}}}, {{"positions", 3}}},
      {"sum batch", [](auto x) { return sum(x[0], 0); }, {{"x", {2, 3, 4}}}, {{"batch", 2}}},
      {"tanh", [](auto x) { return tanh(x[0]); }, {{"x", {3, 5}}}},
      {"transpose", [](auto x) { return transpose(x[0]); }, {{"x", {2, 3, 4}}}},
  };
  return cases;
}

}  // namespace qkv
