#pragma once

#include <array>
#include <string>

#include "qkv/autograd/named.h"
#include "qkv/autograd/tape.h"

namespace qkv {

/// Who asks whom in an attention.
enum class AttentionKind {
  self,    ///< every position of a sequence asks every position of it
  causal,  ///< every position asks those up to itself
  cross,   ///< the positions of one sequence ask those of another
};
constexpr std::array<Named<AttentionKind>, 3> names_of(AttentionKind) {
  return {{{AttentionKind::self, "self"}, {AttentionKind::causal, "causal"}, {AttentionKind::cross, "cross"}}};
}

/// What an attention layer leaves on the tape for whoever looks at attention.
template <class T>
struct AttentionRecord {
  const char* layer = nullptr;  ///< such as "decoder.layers.0.cross_attention"
  AttentionKind kind = AttentionKind::self;
  int heads = 1;
  double scale = 1;   ///< what a query times a key is multiplied by; 1 where the score is none of that form
  Var<T> queries{};   ///< [B, queries, C]
  Var<T> keys{};      ///< [B, keys, C]
  Var<T> values{};    ///< [B, keys, C_v]
  Var<T> scores{};    ///< [B, queries, keys], or none where one operation goes from queries and keys to weights
  Var<T> weights{};   ///< [B, heads, queries, keys], or [B, queries, keys]
  Var<T> output{};    ///< [B, queries, C_v], of all heads
  Var<T> key_bias{};  ///< [C], or none: it adds the same to all scores of a query, so nothing depends on it
  const AttentionRecord* previous = nullptr;  ///< the one left before it on the same tape

  /// Leaves it on the current tape, until that is rewound.
  void leave() const {
    Tape<T>& tape = Tape<T>::current();
    AttentionRecord* kept = new (tape.template scratch<AttentionRecord>(1)) AttentionRecord(*this);
    kept->previous = tape.last_attention();
    tape.set_last_attention(kept);
  }
};

/// Why the gradient of this value is zero by mathematics, whatever the numbers are; empty if it is not. The bias of
/// keys is such a one: score(i, j) = qᵢ · (kⱼ + b) adds qᵢ · b to all scores of query i, and softmax takes out what is
/// added to all.
template <class T>
std::string why_gradient_is_zero(const Tape<T>& tape, Var<T> value) {
  for (const AttentionRecord<T>* record = tape.last_attention(); record != nullptr; record = record->previous)
    if (record->key_bias && record->key_bias.node() == value.node())
      return "a key's bias adds the same to all scores of a query, and softmax takes that out";
  return "";
}

}  // namespace qkv
