#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "qkv/study/sentence_pass.h"

namespace qkv {

/// A derivative and what it was summed up from.
struct ExactDerivative {
  double value = 0;
  double scale = 0;  ///< Σ|terms|: what rounding errors, and so tolerances, are relative to
};

/// The forward pass of a SentencePass once more on dual numbers, node by node at the same indices: exact derivatives
/// by forward mode, that owe nothing to any backward (see autograd/dual.h). One pass takes eight directions.
class ExactDerivatives : private Tape<DualDouble>::NodeWatch {
 public:
  /// An entry of a value that moves by `by` for each unit of the step.
  struct Move {
    std::int32_t node = 0;
    std::int64_t element = 0;
    double by = 1;
  };
  /// What moves together, each right after its operation has computed it and before anything reads it. Where something
  /// moves that depends on something else that moves, both add up.
  using Direction = std::vector<Move>;

  /// The pass must outlive it. Throws std::runtime_error if there is not enough memory for the model on dual numbers.
  explicit ExactDerivatives(const SentencePass& pass);

  const SentencePass& pass() const { return pass_; }

  /// ∂loss / ∂(a step along each direction).
  ///
  /// The scale of a derivative is the sum of its terms' absolute values where they cancel: in the loss,
  /// Σ p ż − ż of the predicted word, and in every softmax over keys on the way, w (dw − Σ w dw) ṡ. So a model that is
  /// sure, whose gradients are differences of nearly equal numbers, is judged by the size of those.
  std::vector<ExactDerivative> of_loss(std::span<const Direction> directions);
  ExactDerivative of_loss(const Direction& direction) { return of_loss(std::span(&direction, 1)).front(); }

  /// The derivatives of each entry of these nodes: result[direction][which of the nodes][entry].
  std::vector<std::vector<std::vector<double>>> of_values(std::span<const Direction> directions,
                                                          std::span<const std::int32_t> nodes);

  /// How many forward passes were run so far.
  std::int64_t passes() const { return passes_; }

  /// Called after each of them with their number.
  using OnPass = std::function<void(std::int64_t passes)>;
  void set_on_pass(OnPass on_pass) { on_pass_ = std::move(on_pass); }

 private:
  void run(std::span<const Direction> directions);  // at most eight
  void before(std::int32_t index) override;
  void forget_moves();
  void check_same_nodes() const;
  ExactDerivative derivative(std::size_t k) const;
  double terms_in_loss(std::size_t k) const;
  double terms_in_scores(std::size_t k) const;

  /// w (|dw| + Σ w |dw|) for each score of an attention: what cancels in the backward of its softmax.
  struct ScoreTerms {
    const AttentionRecord<double>* record;
    std::vector<double> sizes;  // [heads, queries, keys]
  };

  struct PlannedMove {
    std::int32_t last_of_operation;  // it is made before any node behind this one
    Move move;
    std::size_t k;
  };

  const SentencePass& pass_;
  InScalar<DualDouble> model_;
  Tape<DualDouble> tape_;
  LossOfPair<DualDouble> result_;
  std::vector<Node<DualDouble>*> nodes_;  // so far
  std::vector<PlannedMove> moves_;        // of one pass, in the order in which they are made
  std::size_t moved_ = 0;
  std::vector<DualDouble*> moved_leaves_;  // they lie outside the tape: tangents have to be taken out again
  std::vector<ScoreTerms> score_terms_;
  std::vector<double> logit_terms_;  // p + 1 at the predicted word, per logit, over the number of predicted words
  std::int64_t passes_ = 0;
  OnPass on_pass_;
};

}  // namespace qkv
