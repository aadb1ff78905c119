#pragma once

#include <fmt/format.h>
#include <string>

#include "qkv/autograd/tape.h"

namespace qkv {

/// Where NaN or infinity first came up on a tape, as a clause of a message: "the first value that is not finite is the
/// output of linear in encoder.layers.0.feed_forward.inner". Empty if all values are finite.
template <class T>
std::string first_not_finite_on(const Tape<T>& tape) {
  const Node<T>* node = tape.first_not_finite();
  if (node == nullptr) return "";
  if (node->is_leaf) return fmt::format("the first value that is not finite is in {}", node->name);
  return fmt::format("the first value that is not finite is the output of {}{}{}", node->name,
                     node->module == nullptr ? "" : " in ", node->module == nullptr ? "" : node->module);
}

}  // namespace qkv
