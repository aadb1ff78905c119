#pragma once

#include "qkv/layers/named.h"

namespace qkv {

/// Which score on the validation set chooses the model that is kept, and counts for patience; the other one decides
/// between equals.
enum class Keep { bleu, loss };
constexpr std::array<Named<Keep>, 2> names_of(Keep) { return {{{Keep::bleu, "bleu"}, {Keep::loss, "loss"}}}; }

/// Whether a model with these scores is better than the best so far.
constexpr bool is_better(Keep keep, double bleu, double loss, double best_bleu, double best_loss) {
  if (keep == Keep::bleu) return bleu > best_bleu || (bleu == best_bleu && loss < best_loss);
  return loss < best_loss || (loss == best_loss && bleu > best_bleu);
}

}  // namespace qkv
