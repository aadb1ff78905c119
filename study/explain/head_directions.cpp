#include "qkv/study/explain/head_directions.h"

#include <algorithm>
#include <utility>

#include "qkv/autograd/exponential.h"

namespace qkv {

/// Row i of the head's output on dual numbers, from that row of the scaled scores: the forward pass, not a formula
/// for its derivative.
HeadDirections::DualRow HeadDirections::output_of(int i, DualRow scaled) const {
  softmax_in_place(scaled.data(), allowed(i), columns());
  DualRow output(static_cast<std::size_t>(h_.output.columns));
  for (int c = 0; c < h_.output.columns; ++c)
    for (int j = 0; j < allowed(i); ++j) output[c] += scaled[j] * DualDouble(h_.values(j, c));
  return output;
}

/// The same where the scores of row i move, in direction k by moved(k, j), before or after they are scaled.
template <class Moved>
HeadDirections::DualRow HeadDirections::output_with(int i, bool before_scaling, Moved moved) const {
  DualRow row(static_cast<std::size_t>(columns()));
  for (int j = 0; j < columns(); ++j) {
    DualDouble& score = row[j];
    score = DualDouble(before_scaling ? h_.scores(i, j) : h_.scaled(i, j));
    for (int k = 0; k < dual_directions; ++k) score.d[k] = moved(k, j);
    if (before_scaling) score *= DualDouble(h_.scale);
  }
  return output_of(i, std::move(row));
}

std::vector<HeadDirections::Direction> HeadDirections::of_scores(bool before_scaling) const {
  std::vector<Direction> directions;
  for (int i = 0; i < rows(); ++i)
    for (int first = 0; first < columns(); first += dual_directions) {
      const DualRow output = output_with(i, before_scaling, [&](int k, int j) { return j == first + k ? 1.0 : 0.0; });
      for (int j = first; j < std::min(first + dual_directions, columns()); ++j) {
        Direction& direction = directions.emplace_back();
        if (j >= allowed(i)) continue;
        const auto k = static_cast<std::size_t>(j - first);
        move_output(direction, i, [&](int c) { return output[c].d[k]; });
      }
    }
  return directions;
}

std::vector<HeadDirections::Direction> HeadDirections::of_unprojected_queries() const {
  std::vector<Direction> directions;
  for (int i = 0; i < rows(); ++i)
    for (int first = 0; first < h_.queries.columns; first += dual_directions) {
      const int count = std::min(dual_directions, h_.queries.columns - first);
      const DualRow output =
          output_with(i, true, [&](int k, int j) { return k < count ? h_.keys(j, first + k) : 0.0; });
      for (int k = 0; k < count; ++k) move_output(directions.emplace_back(), i, [&](int c) { return output[c].d[k]; });
    }
  return directions;
}

std::vector<HeadDirections::Direction> HeadDirections::of_unprojected_keys() const {
  std::vector<Direction> directions;
  for (int key = 0; key < columns(); ++key)
    for (int first = 0; first < h_.keys.columns; first += dual_directions) {
      const int count = std::min(dual_directions, h_.keys.columns - first);
      std::vector<Direction> some(static_cast<std::size_t>(count));
      for (int i = 0; i < rows(); ++i) {
        if (key >= allowed(i)) continue;
        const DualRow output =
            output_with(i, true, [&](int k, int j) { return j == key && k < count ? h_.queries(i, first + k) : 0.0; });
        for (int k = 0; k < count; ++k) move_output(some[k], i, [&](int c) { return output[c].d[k]; });
      }
      directions.insert(directions.end(), some.begin(), some.end());
    }
  return directions;
}

}  // namespace qkv
