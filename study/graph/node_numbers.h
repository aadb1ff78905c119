#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "qkv/study/graph/graph.h"
#include "qkv/study/sentence_pass.h"

namespace qkv {

/// Which numbers stand in the boxes of a graph.
struct GraphOptions {
  bool values = false;
  bool gradients = false;  ///< ∂loss/∂value
  bool tangents = false;   ///< how each value changes along one direction of all parameters, see tangents_of
  std::uint64_t seed = 1;  ///< of that direction
};

/// ẋ of every value of a pass, by the index of its node, when all parameters move at once by ẇ, normally distributed
/// and drawn from the seed: one forward pass on dual numbers. Of the loss it is Σ ∂loss/∂w · ẇ.
/// Throws std::runtime_error if there is not enough memory for a copy of the model on dual numbers.
std::vector<std::vector<double>> tangents_of(const SentencePass& pass, std::uint64_t seed);

/// A matrix of a picture with all that is known of it; what is not known is empty.
struct PicturedMatrix {
  std::vector<double> value, gradient, tangent;  ///< [rows, columns]
  int columns = 1;
  std::vector<std::string> labels;  ///< of the rows, or none
  int widest = 16;                  ///< how many columns it may have to be shown number by number, in at most 16 rows
};

/// Those of its numbers that the options ask for, to two digits.
std::vector<GraphNumbers> numbers_of(const PicturedMatrix& matrix, const GraphOptions& options);

}  // namespace qkv
