#pragma once

#include <cmath>

#include "qkv/autograd/attention_record.h"
#include "qkv/autograd/named.h"
#include "qkv/autograd/ops/additive_scores.h"
#include "qkv/autograd/ops/attention.h"
#include "qkv/autograd/ops/linear.h"
#include "qkv/autograd/ops/matmul.h"
#include "qkv/autograd/ops/softmax.h"
#include "qkv/layers/parameters.h"

namespace qkv {

/// How well an encoder state s fits a decoder state h.
enum class Score {
  dot,         ///< h · s (Luong et al. 2015, eq. 8)
  scaled_dot,  ///< h · s / √H (Vaswani et al. 2017, eq. 1)
  additive,    ///< e · tanh(W_q h + W_k s) (Bahdanau et al. 2015, appendix A.1.2)
};
constexpr std::array<Named<Score>, 3> names_of(Score) {
  return {{{Score::dot, "dot"}, {Score::scaled_dot, "scaled-dot"}, {Score::additive, "additive"}}};
}

/// Attention of a decoder over the encoder's hidden states: scores, softmax over the positions, weighted sum of the
/// states.
template <class T>
class RnnAttention {
 public:
  RnnAttention(const Path<T>& path, Score score, int hidden) : path_(path.name()), score_(score) {
    if (score != Score::additive) return;
    query_ = (path / "score" / "query").add("weight", {hidden, hidden}, Initialise::xavier);
    key_ = (path / "score" / "key").add("weight", {hidden, hidden}, Initialise::xavier);
    energy_ = (path / "score").add("energy", {hidden}, Initialise::scaled_normal);
  }

  /// The keys that the scores are computed with, once for a sequence.   states: [B, S, H]
  Var<T> keys(Var<T> states) const {
    const InModule here(path_);
    return score_ == Score::additive ? project(states, key_()) : states;
  }

  /// The attention value of each query.   h: [B, n, H]   keys, states: [B, S, H]   returns [B, n, H]
  Var<T> operator()(Var<T> h, Var<T> keys, Var<T> states, Mask padding) const {
    const InModule here(path_);
    AttentionRecord<T> record{.layer = path_.c_str(), .kind = AttentionKind::cross, .keys = keys, .values = states};
    if (score_ == Score::additive) {
      record.queries = project(h, query_());
      record.scores = additive_scores(record.queries, keys, energy_());
      record.weights = softmax(record.scores, padding);
      record.output = matmul(record.weights, states);
    } else {
      record.scale = score_ == Score::dot ? 1 : 1 / std::sqrt(static_cast<double>(h.last()));
      const Attended<T> attended = attention(h, keys, states, padding, 1, record.scale);
      record.queries = h;
      record.weights = attended.weights;
      record.output = attended.output;
    }
    record.leave();
    return record.output;
  }

 private:
  /// x Wᵀ
  static Var<T> project(Var<T> x, Var<T> weight) { return linear(x, weight); }

  std::string path_;
  Score score_;
  Parameter<T> query_, key_, energy_;
};

}  // namespace qkv
