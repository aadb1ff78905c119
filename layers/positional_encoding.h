#pragma once

#include <cmath>

#include "autograd/block.h"
#include "autograd/ops/add_positions.h"
#include "layers/parameters.h"

namespace qkv {

enum class Positions { sinusoidal, learned };

/// Tells words at different positions apart: adds a vector that depends on the position only. Sinusoidal:
/// PE(pos, 2i) = sin(pos / 10000^(2i/C)), PE(pos, 2i+1) = cos(pos / 10000^(2i/C)) (Vaswani et al. 2017, section 3.5);
/// or learned, one vector for each position.   x: [B, L, C]   returns the same shape
template <class T>
class PositionalEncoding {
 public:
  PositionalEncoding(const Path<T>& path, Positions kind, int max_length, int width)
      : path_(path.name()), shape_{max_length, width} {
    if (kind == Positions::learned)
      learned_ = path.add("weight", shape_, Initialise::embedding);
    else
      table_ = sinusoids(max_length, width);
  }

  /// How many positions there are.
  int count() const { return shape_.dim(0); }

  /// The first word of x is at position `first`. Throws std::invalid_argument beyond the last position there is.
  Var<T> operator()(Var<T> x, int first = 0) const {
    const InModule here(path_);
    const Var<T> table =
        table_.size() == 0 ? learned_() : Tape<T>::current().leaf("positions", shape_, table_.data(), nullptr);
    return add_positions(x, table, first);
  }

 private:
  static Block<T> sinusoids(int max_length, int width) {
    Block<T> table(static_cast<std::size_t>(max_length) * static_cast<std::size_t>(width));
    for (int position = 0; position < max_length; ++position)
      for (int j = 0; j < width; ++j) {
        const double angle = position / std::pow(10000.0, (j - j % 2) / static_cast<double>(width));
        const std::size_t at = static_cast<std::size_t>(position) * static_cast<std::size_t>(width);
        table[at + static_cast<std::size_t>(j)] = static_cast<T>(j % 2 == 0 ? std::sin(angle) : std::cos(angle));
      }
    return table;
  }

  std::string path_;
  Shape shape_;
  Block<T> table_;        // sinusoids, or empty
  Parameter<T> learned_;  // used when the table is empty
};

}  // namespace qkv
