#include "qkv/study/loss_gap.h"

#include <fmt/format.h>

namespace qkv {

std::string loss_gap(const FinalLosses& losses) {
  const auto [training, validation] = losses;
  std::string text = fmt::format("loss of the best model: {:.4f} on training sentences, {:.4f} on the validation set\n",
                                 training, validation);
  // By half as much again, and by more than the noise of losses near 0.
  if (validation > 1.5 * training && validation - training > 0.2)
    text +=
        "  It knows what it learnt from better than new sentences. More data helps most; else a higher `dropout`,\n"
        "  `label_smoothing` 0.1, a smaller model, or fewer `epochs`.\n";
  return text;
}

}  // namespace qkv
