#pragma once

#include <algorithm>
#include <gtest/gtest.h>
#include <vector>

#include "qkv/train/complete_gradients.h"

namespace qkv {

/// Runs backward from a loss, and expects of all gradients that are said to be complete that nothing is added to them
/// any more. Returns from which place of the block on they were, after each closure that ran.
template <class T, class LossOf>
std::vector<std::size_t> watched_backward(const Parameters<T>& parameters, const LossOf& loss_of) {
  std::vector<T> gradient(parameters.size()), when_complete(parameters.size());
  std::vector<std::size_t> places;
  std::size_t complete_from = parameters.size();
  Tape<T> tape;
  const Recording recording(tape);
  parameters.bind(gradient);
  const Var<T>* leaves = tape.leaves_of(&parameters);
  const Var<T> loss = loss_of();
  CompleteGradients<T> complete;
  complete.look_at(tape, parameters, leaves);
  const T one(1);
  const typename Tape<T>::Seed seed{loss, std::span<const T>(&one, 1)};
  tape.backward(std::span(&seed, 1), [&](const Closure<T>* closure) {
    closure->run(closure);
    const std::size_t from = complete.after(closure);
    EXPECT_LE(from, complete_from);
    std::copy(gradient.data() + from, gradient.data() + complete_from, when_complete.data() + from);
    places.push_back(complete_from = from);
  });
  EXPECT_TRUE(std::equal(gradient.begin() + static_cast<std::ptrdiff_t>(complete_from), gradient.end(),
                         when_complete.begin() + static_cast<std::ptrdiff_t>(complete_from)));
  return places;
}

}  // namespace qkv
