#pragma once

#include <memory>

#include "qkv/autograd/named.h"
#include "qkv/train/adam.h"

namespace qkv {

/// The optimisers there are, for programs whose users choose one.
enum class OptimiserKind { adam, adamw, sgd };
constexpr std::array<Named<OptimiserKind>, 3> names_of(OptimiserKind) {
  return {{{OptimiserKind::adam, "adam"}, {OptimiserKind::adamw, "adamw"}, {OptimiserKind::sgd, "sgd"}}};
}

/// One of them, from Adam's options. Of AdamW the weight decay is the decoupled one. Of Sgd beta1 is the momentum, the
/// memory of the gradient in both, though without Adam's factor 1 − β₁; beta2 and eps play no part.
/// Compiled for float and double.
template <class T>
std::unique_ptr<Optimiser<T>> make_optimiser(OptimiserKind kind, Parameters<T>& parameters, const AdamOptions& options);

}  // namespace qkv
