#pragma once

#include <optional>
#include <string>
#include <vector>

#include "qkv/study/explain/checked_gradient.h"

namespace qkv {

/// One head of an attention in a pass: the textbook's matrices of numbers, and where they lie on the tape. The head's
/// queries, keys and values are its part of the features. In a recurrent decoder every query is an attention of its own
/// on the tape; here they are the rows of one.
struct AttentionHeadMatrices {
  std::string name;  ///< such as "decoder.layers.1.cross_attention"
  AttentionKind kind = AttentionKind::cross;
  int layer = 0, layers = 1, head = 0, heads = 1;
  double scale = 1;
  bool is_additive = false;          ///< score = energy · tanh(query + key); else query · key · scale
  bool projects = true;              ///< queries and keys are linear in what asks and is asked; else they are that
  bool values_are_projected = true;  ///< else they are what is asked: hidden states
  std::vector<std::string> rows;     ///< the words that ask: those predicted in cross-attention, else those read
  std::vector<std::string> columns;  ///< the words that are asked

  std::vector<const AttentionRecord<double>*> records;  ///< one for all rows, or one for each
  const Node<double>* projected = nullptr;  ///< [rows, C] all heads' outputs projected once more, if they are

  NumberMatrix x;       ///< [rows, C] what asks
  NumberMatrix memory;  ///< [columns, C] what is asked
  NumberMatrix queries, keys, values;
  NumberMatrix energy;  ///< [1, A] of an additive score
  NumberMatrix scores, scaled, weights;
  NumberMatrix output;

  int first_feature() const { return head * queries.columns; }  ///< of queries and keys, among those of all heads
  bool sees(int row, int column) const { return kind != AttentionKind::causal || column <= row; }

  /// On the tape.
  TapePlace query_at(int row, int c) const;
  TapePlace key_at(int column, int c) const;
  TapePlace value_at(int column, int c) const;
  TapePlace output_at(int row, int c) const;
  const Node<double>* weight_of(Var<double> linear) const { return linear.node()->parents[1]; }
};

/// The attentions of one kind in a pass, a list of records for each layer.
std::vector<std::vector<const AttentionRecord<double>*>> attention_layers(const SentencePass& pass, AttentionKind kind);

/// One of them. Without a layer, the last; without a head, the one whose weights have the lowest mean entropy.
/// Throws std::invalid_argument if the model has no such attention, layer or head; it says which there are.
AttentionHeadMatrices attention_head(const SentencePass& pass, AttentionKind kind, std::optional<int> layer,
                                     std::optional<int> head);

/// The mean entropy of the rows of a head's weights, in nats.
double mean_entropy(const NumberMatrix& weights);

}  // namespace qkv
