#pragma once

#include "qkv/translation/keep.h"

namespace qkv {

/// The scores of the best model of a training so far, on the validation set.
struct BestSoFar {
  double bleu = -1;  ///< -1 before there is one
  double loss = 0;
  Keep keep = Keep::bleu;  ///< what it was chosen by
  int validations_without_improvement = 0;

  bool is_known() const { return bleu >= 0; }

  /// Takes note of a validation; whether its model is the best so far.
  bool note(double its_bleu, double its_loss) {
    const bool is_better =
        !is_known() || (keep == Keep::bleu ? its_bleu > bleu || (its_bleu == bleu && its_loss < loss)
                                           : its_loss < loss || (its_loss == loss && its_bleu > bleu));
    if (is_better) {
      bleu = its_bleu;
      loss = its_loss;
    }
    validations_without_improvement = is_better ? 0 : validations_without_improvement + 1;
    return is_better;
  }

  /// For another validation set, or none: the scores so far say nothing about it.
  void forget() { *this = {.keep = keep}; }

  /// Both scores are known, so the next ones are compared by the other one.
  void keep_by(Keep other) {
    keep = other;
    validations_without_improvement = 0;
  }
};

}  // namespace qkv
