#pragma once

#include <vector>

#include "qkv/study/explain/attention_head.h"

namespace qkv {

/// Directions in which numbers inside a fused attention move, that no node of the tape holds: how the head's output,
/// which is a node, moves with them. They come from the forward pass on dual numbers, from the scores on, not from a
/// formula for its derivative.
class HeadDirections {
 public:
  using Direction = ExactDerivatives::Direction;

  /// The head must outlive it.
  explicit HeadDirections(const AttentionHeadMatrices& head) : h_(head) {}

  /// How many keys, the first ones, this row may look at.
  int allowed(int row) const { return h_.kind == AttentionKind::causal ? row + 1 : h_.weights.columns; }

  /// Adds to a direction that row i of the head's output moves by by(c).
  template <class By>
  void move_output(Direction& direction, int i, By by) const {
    for (int c = 0; c < h_.output.columns; ++c) {
      const TapePlace at = h_.output_at(i, c);
      direction.push_back({at.node, at.element, by(c)});
    }
  }

  /// One for each score, row by row, before or after it is scaled; empty where a mask hides it.
  std::vector<Direction> of_scores(bool before_scaling) const;

  /// One for each entry of queries, or of keys, that are states which others read too: as far as it flows through the
  /// scores.
  std::vector<Direction> of_unprojected_queries() const;
  std::vector<Direction> of_unprojected_keys() const;

 private:
  using DualRow = std::vector<DualDouble>;
  DualRow output_of(int i, DualRow scaled) const;
  template <class Moved>
  DualRow output_with(int i, bool before_scaling, Moved moved) const;

  int rows() const { return h_.weights.rows; }
  int columns() const { return h_.weights.columns; }

  const AttentionHeadMatrices& h_;
};

}  // namespace qkv
