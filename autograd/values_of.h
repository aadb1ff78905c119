#pragma once

#include <vector>

#include "qkv/autograd/tape.h"

namespace qkv {

/// The numbers of what `compute` returns, a Var<T>, computed without gradients on a tape of its own: what a model
/// predicts. T is given: `values_of<float>([&] { return model(x.all()); })`.
template <class T, class Compute>
std::vector<T> values_of(const Compute& compute) {
  Tape<T> tape;
  const Recording recording(tape);
  const NoGrad no_grad(tape);
  const Var<T> y = compute();
  return {y.values().begin(), y.values().end()};
}

}  // namespace qkv
