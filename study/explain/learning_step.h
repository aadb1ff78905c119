#pragma once

#include <map>
#include <vector>

#include "qkv/study/exact_derivatives.h"
#include "qkv/study/explain/attention_head.h"

namespace qkv {

/// What one step of plain gradient descent on a pair's loss would do, θ ← θ − rate · ∂loss/∂θ for every parameter: how
/// the loss and the weights of each attention are predicted to change, to first order and exactly so by dual numbers,
/// and how they do change when everything is computed again.
class LearningStep {
 public:
  /// Throws std::invalid_argument if the rate is not finite.
  LearningStep(ExactDerivatives& exact, double rate);

  double rate() const { return rate_; }
  double loss_before() const { return before_.loss().item(); }
  double loss_after() const { return after_.loss().item(); }
  double loss_predicted() const { return loss_before() + loss_change_; }

  /// Of the weights of one head: [rows, columns].
  NumberMatrix predicted_change(const AttentionHeadMatrices& head) const;
  NumberMatrix actual_change(const AttentionHeadMatrices& head) const;

 private:
  const SentencePass& before_;
  double rate_;
  SentencePass after_;
  double loss_change_ = 0;
  std::map<std::int32_t, std::vector<double>> tangents_;  // of weights, by their nodes
};

}  // namespace qkv
