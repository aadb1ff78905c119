#pragma once

#include <string>
#include <vector>

#include "qkv/datasets/pair.h"
#include "qkv/study/compare/intervals.h"
#include "qkv/translation/saved_model.h"

namespace qkv {

/// A sentence pair as ids: a source with its `<eos>`, a target behind `<bos>`, and the word that each target position
/// predicts, `<eos>` the last.
struct IdPair {
  std::vector<int> source;
  std::vector<int> target;
  std::vector<int> predicted;
};
IdPair ids_of(const Pair& pair, const Vocabulary& source, const Vocabulary& target);

/// A matrix of norms: row j, of what is differentiated; column i, of the source word by whose embedding.
struct NormMatrix {
  int rows = 0;
  int columns = 0;
  std::vector<double> norms;
  double operator()(int row, int column) const {
    return norms[static_cast<std::size_t>(row) * static_cast<std::size_t>(columns) + static_cast<std::size_t>(column)];
  }
};

/// What enters the encoder for source word i, eᵢ, is the row of the embedding's table, times √C in a Transformer,
/// before positions are added. All gradients here are with respect to it, exact, by backward passes.

/// The norm of ∂loss/∂eᵢ, of the sentence's mean cross-entropy per target token.   returns [1, S]
template <class T>
NormMatrix loss_gradient_norms(const Seq2Seq<T>& model, const IdPair& pair);

/// The norm of ∂(cross-entropy of target token t)/∂eᵢ, the reference fed in.   returns [T, S]
template <class T>
NormMatrix word_loss_gradient_norms(const Seq2Seq<T>& model, const IdPair& pair);

/// ‖∂sⱼ/∂eᵢ‖, the Frobenius norm of the Jacobian [C, E] of what the encoder makes of word j.   returns [S, S]
template <class T>
NormMatrix encoder_jacobian_norms(const Seq2Seq<T>& model, const IdPair& pair);

/// ‖∂xₜ/∂eᵢ‖, of what the generator reads to predict target token t: h of `rnn`, h̃ of `rnn-attention`, the last
/// layer's output of a Transformer.   returns [T, S]
template <class T>
NormMatrix decoder_jacobian_norms(const Seq2Seq<T>& model, const IdPair& pair);

/// How a norm goes with distance.
struct GradientPoint {
  int distance = 0;
  std::size_t n = 0;  ///< sentences that have pairs at this distance
  Interval norm;      ///< mean over sentences of their mean norm at this distance
  Interval share;     ///< the same of the norm divided by the sentence's mean norm, which models can be compared by
};
struct GradientCurve {
  std::string of;  ///< "loss", "word loss", "encoder state" or "decoder state"
  std::string by;  ///< "end": words behind word i; "distance": |i − j|; "link": |i − k|, k linked to target word t
  std::vector<GradientPoint> points;
};

/// The curves of trainings of one model, on sentences for the loss and, fewer of them, for the Jacobians, which take a
/// backward pass for each state. Only words of sentences are counted, not `<eos>`, and only pairs that are connected: a
/// recurrent state does not depend on later words, its Jacobian by them is exactly 0. "link" needs gold links, and the
/// curves by it are left out where there are none.
std::vector<GradientCurve> gradient_curves(const std::vector<const TrainedModel*>& seeds,
                                           const std::vector<Pair>& for_loss, const std::vector<Pair>& for_jacobians,
                                           const StopFlag& stop);

}  // namespace qkv
