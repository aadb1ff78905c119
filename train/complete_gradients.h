#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "qkv/layers/parameters.h"

namespace qkv {

/// Tells, while a tape runs backward, which gradients of the parameters are complete: those of the block from some
/// place on. Backward goes from the last operation to the first, and models use their parameters in about the order in
/// which they were built, so that place moves from the block's end to its begin.
template <class T>
class CompleteGradients {
 public:
  /// Before backward: looks up on the tape, where these leaves stand for the parameters, which closure is the last one
  /// to add to each.
  void look_at(const Tape<T>& tape, const Parameters<T>& parameters, const Var<T>* leaves) {
    parameters_ = &parameters;
    leaves_ = leaves;
    next_ = tape.last_closure();
    passed_ = 0;
    incomplete_ = parameters.entries().size();
    last_use_.assign(incomplete_, never);
    if (incomplete_ == 0) return;
    std::int64_t position = 0;
    for (const Closure<T>* closure = next_; closure != nullptr; closure = closure->previous, ++position)
      for (std::int32_t k = 0; k < closure->output_count; ++k) {
        const Node<T>& output = *closure->outputs[k];
        for (std::int32_t i = 0; i < output.parent_count; ++i) note_use(*output.parents[i], position);
      }
  }

  /// After a closure has run, in the order of backward: the place from which on the block is complete.
  std::size_t after(const Closure<T>* closure) {
    for (const Closure<T>* passed = nullptr; passed != closure; next_ = next_->previous) {
      passed = next_;
      ++passed_;
    }
    while (incomplete_ > 0 && is_complete(incomplete_ - 1)) --incomplete_;
    const auto& entries = parameters_->entries();
    return incomplete_ == entries.size() ? parameters_->size() : entries[incomplete_].offset;
  }

 private:
  static constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();

  void note_use(const Node<T>& node, std::int64_t position) {
    const std::int32_t entry = node.index - leaves_->node()->index;  // leaves are put on the tape one after the other
    if (entry >= 0 && entry < static_cast<std::int32_t>(last_use_.size()) && leaves_[entry].node() == &node)
      last_use_[static_cast<std::size_t>(entry)] = position;
  }

  /// What nothing has added to is set to zero at the end of backward only.
  bool is_complete(std::size_t entry) const { return last_use_[entry] < passed_ && leaves_[entry].node()->written; }

  const Parameters<T>* parameters_ = nullptr;
  const Var<T>* leaves_ = nullptr;
  const Closure<T>* next_ = nullptr;
  std::int64_t passed_ = 0;     // how many closures backward has passed, run or not
  std::size_t incomplete_ = 0;  // how many parameters are, from the first
  std::vector<std::int64_t> last_use_;
};

}  // namespace qkv
