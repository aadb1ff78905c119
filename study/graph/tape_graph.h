#pragma once

#include "qkv/study/graph/node_numbers.h"

namespace qkv {

/// The tape of one step, from the words to the loss: every operation, parameter and constant that was recorded, with
/// the modules of its layers. The words that are read and predicted are boxes too.
Graph graph_of(const SentencePass& pass, const GraphOptions& options = {});

/// One head of one attention: what it reads, its rows of the projections, its queries, keys, values, scores, scaled
/// scores, weights and output, with the shapes of the head. The boxes are called
///   x, memory (in cross-attention), query.weight, query.bias, …, queries, keys, values, scores, scaled, weights,
///   output
/// and, of a recurrent decoder, h (its states: the queries) and states (the encoder's: keys and values); for additive
/// scores queries and keys are their projections, and energy is the vector e. The layer that reads the output is last.
/// Throws std::invalid_argument if there is no such attention, layer or head, naming those there are.
Graph graph_of_head(const SentencePass& pass, AttentionKind kind, int layer, int head,
                    const GraphOptions& options = {});

/// How many layers the model has of this kind of attention, and the heads of each: none where it has none.
struct AttentionCount {
  int layers = 0, heads = 0;
};
AttentionCount attentions_in(const SentencePass& pass, AttentionKind kind);

}  // namespace qkv
